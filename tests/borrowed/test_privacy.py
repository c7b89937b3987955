"""Private parts of other packages are used only in `dqn_exp/borrowed`, and tested in `tests/borrowed`."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("dqn_exp", "analysis", "hydra_plugins", "tests")
PUBLIC = {"os._exit"}
"""Documented, whatever its name looks like; so are those of named tuples."""
NAMED_TUPLES = {"_asdict", "_fields", "_replace", "_make"}
UNDOCUMENTED = ("joblib.externals", "numba.core.registry")
"""Modules that are private although their names do not say so."""
FILES = [
    path
    for package in ("dqn_exp", "analysis", "tests")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "borrowed" not in path.relative_to(ROOT).parts
]


def is_private(name: str) -> bool:
    """Names such as `__init__` and `_repr_html_` are documented."""
    return name.startswith("_") and not name.endswith("_")


def is_private_module(name: str) -> bool:
    undocumented = any(f"{name}.".startswith(f"{module}.") for module in UNDOCUMENTED)
    return name.split(".")[0] not in OURS and (undocumented or any(map(is_private, name.split("."))))


def private_uses(source: str, own: Collection[str] = ()) -> Iterator[str]:
    """Private modules and names of others that are imported, and private attributes of what is not ours.

    Attributes are ours if the source defines them or they are among `own`.
    """
    tree = ast.parse(source)
    own = defined(tree).union(own)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
            if any(is_private_module(f"{node.module}.{name}") for name in names):
                yield f"line {node.lineno}: from {node.module} import {', '.join(names)}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if is_private_module(alias.name):
                    yield f"line {node.lineno}: import {alias.name}"
        elif isinstance(node, ast.Attribute) and is_private(node.attr):
            text = ast.unparse(node)
            if not (is_self(node.value) or node.attr in own or node.attr in NAMED_TUPLES or text in PUBLIC):
                yield f"line {node.lineno}: {text}"
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            text = ast.unparse(node)
            if text.startswith("vars(") and is_private(str(node.slice.value)):
                yield f"line {node.lineno}: {text}"


def defined(tree: ast.Module) -> set[str]:
    """Private names that the module itself gives: methods, fields, and what it assigns to `self` or `cls`."""
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node.value):
            names.add(node.attr)
    return names


def is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


@cache
def defined_by_the_program() -> set[str]:
    """What our own tests may touch."""
    sources = [path for path in FILES if path.relative_to(ROOT).parts[0] != "tests"]
    return set[str]().union(*(defined(ast.parse(path.read_text())) for path in sources))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_private_part_of_another_package_is_touched(path: Path) -> None:
    is_test = path.relative_to(ROOT).parts[0] == "tests"
    assert list(private_uses(path.read_text(), defined_by_the_program() if is_test else ())) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from hydra._internal.hydra import Hydra", "line 1: from hydra._internal.hydra import Hydra"),
        ("from optuna.study import _study", "line 1: from optuna.study import _study"),
        ("import omegaconf._utils", "line 1: import omegaconf._utils"),
        ("import joblib.externals", "line 1: import joblib.externals"),
        ("from joblib import externals", "line 1: from joblib import externals"),
        ("from joblib.externals.loky import x", "line 1: from joblib.externals.loky import x"),
        ("from numba.core.registry import x", "line 1: from numba.core.registry import x"),
        ("ax._left_title", "line 1: ax._left_title"),
        ("study._storage.fail()", "line 1: study._storage"),
        ("self._study._storage", "line 1: self._study._storage"),
        ("vars(forkserver)['_forkserver']", "line 1: vars(forkserver)['_forkserver']"),
    ],
)
def test_it_would_be_found(source: str, found: str) -> None:
    assert found in list(private_uses(source))


@pytest.mark.parametrize(
    "source",
    [
        "os._exit(1)",
        "from dqn_exp.x import _y",
        "import multiprocessing",
        "from numba.core import cgutils",
        "page._repr_html_()",
        "class A:\n    def __init__(self):\n        self._x = 1\ndef f(a):\n    return a._x",
        "self._generator.normal()",
        "pair._asdict()",
        "class A:\n    def _f(self): ...\n    def g(self):\n        self._f()",
    ],
)
def test_our_own_are_not(source: str) -> None:
    assert list(private_uses(source)) == []
