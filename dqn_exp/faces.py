"""The face of a room: a package hands on names of its modules, and imports a module when it is asked for."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any


def lazy(package: str, file: str) -> Callable[[str], Any]:
    """The `__getattr__` of `package`: what its `if TYPE_CHECKING:` block imports, imported at first use.

    So that importing a room costs nothing: torch and pandas take seconds. `file` is the package's own.
    """
    places = {name: (module, attribute) for module, attribute, name in _handed_on(Path(file))}

    def __getattr__(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, attribute = places[name]
        return getattr(import_module(module), attribute)

    return __getattr__


def _handed_on(file: Path) -> list[tuple[str, str, str]]:
    """Module, attribute and name of each import below `if TYPE_CHECKING:`."""
    blocks = (node for node in ast.parse(file.read_text()).body if isinstance(node, ast.If))
    imports = (node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom))
    return [
        (str(node.module), alias.name, alias.asname or alias.name) for node in imports for alias in node.names
    ]


def called_as(package: str, module: str) -> None:
    """Let the room `package` be called like the function of its name in `module`, which is imported then.

    A package has one attribute of a name: that of a function and of a room is a module that can be called.
    """

    def function() -> Any:
        return getattr(import_module(module), package.rpartition(".")[2])

    class Called(ModuleType):
        def __call__(self, *arguments: Any, **keywords: Any) -> Any:
            return function()(*arguments, **keywords)

        @property
        def __signature__(self) -> inspect.Signature:
            return inspect.signature(function())

    sys.modules[package].__class__ = Called
