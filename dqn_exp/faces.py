"""Lazy imports for packages: a package re-exports names of its modules and imports a module at first use."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any


def lazy(package: str, file: str) -> Callable[[str], Any]:
    """A `__getattr__` for `package` that imports the names in its `if TYPE_CHECKING:` block at first use.

    Importing the package itself then costs nothing; importing torch or pandas takes seconds. `file` is the
    `__file__` of the package.
    """
    sources = {name: (module, attribute) for module, attribute, name in _reexports(Path(file))}

    def __getattr__(name: str) -> Any:
        if name not in sources:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, attribute = sources[name]
        return getattr(import_module(module), attribute)

    return __getattr__


def _reexports(file: Path) -> list[tuple[str, str, str]]:
    """Module, attribute and re-exported name of each import in the `if TYPE_CHECKING:` block."""
    blocks = (node for node in ast.parse(file.read_text()).body if isinstance(node, ast.If))
    imports = (node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom))
    return [
        (str(node.module), alias.name, alias.asname or alias.name) for node in imports for alias in node.names
    ]


def called_as(package: str, module: str) -> None:
    """Make `package` callable: a call imports `module` and calls its function of the same name.

    `dqn_exp` has a function `study` and a subpackage `study`, but only one attribute of that name. The
    attribute is therefore a module that can be called.
    """

    def function() -> Any:
        return getattr(import_module(module), package.rpartition(".")[2])

    class Called(ModuleType):
        def __call__(self, *arguments: Any, **keywords: Any) -> Any:
            return function()(*arguments, **keywords)

        @property
        def __signature__(self) -> inspect.Signature:
            return inspect.signature(function())

    import_module(package).__class__ = Called
