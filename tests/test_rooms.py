"""The architecture: imports point one way, and a package is imported only through its `__init__`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_faces import offered_modules

ROOT = Path(__file__).parents[1]

PROGRAM = (
    {"faces"},
    {"config"},
    {"borrowed", "clock", "compilation", "convergence", "garbage", "images", "masks", "platforms", "registry"}
    | {"scores", "seeding", "statuses", "text", "threads"},
    {"heads"},
    {"envs", "networks"},
    {"replay"},
    {"agent"},
    {"training", "trackers"},
    {"runs"},
    {"trained"},
    {"plan"},
    {"workers"},
    {"launch"},
    {"study"},
    {"cli", "export"},
    {"api"},
    {"__main__", "_plugins"},
)
"""The rooms of `dqn_exp`, lowest first: each imports those of earlier lines alone."""
ANALYSIS = (
    {"errors", "wording"},
    {"records"},
    {"estimates", "imports"},
    {"report"},
    {"audit", "network", "study", "watch"},
    {"__main__"},
)
FOR_PEOPLE = ("cli", "api", "export.__main__", "export.curve")
"""The rooms and modules of `dqn_exp` that know `analysis`: they hand to people what trials have shown."""
LOWEST_HIDDEN = "plan"
"""From this room of `dqn_exp` upwards, `analysis` knows nothing but `STORAGE`."""
STORAGE = "dqn_exp.study.storage"


BY_NAME = "dqn_exp.registry"
"""It names parts of higher rooms by strings: a configuration chooses them, and nothing else imports them."""

OUR_MODULE = re.compile(r"(dqn_exp|analysis)(\.\w+)+")

Arrows = set[tuple[str, str]]
"""Importing and imported modules."""


def sources() -> Iterator[tuple[str, str, ast.Module]]:
    """Every module of the two packages: its name, the package that it is in, and its content."""
    for path in [*ROOT.glob("dqn_exp/**/*.py"), *ROOT.glob("analysis/**/*.py")]:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        yield name.removesuffix(".__init__"), name.rpartition(".")[0], ast.parse(path.read_text())


def imported_by(tree: ast.Module, package: str) -> Iterator[str]:
    """Our modules that the content of a module in `package` imports, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            above = package.split(".")[: -node.level + 1 or None] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            if _is_ours(source):
                inner = [f"{source}.{alias.name}" for alias in node.names]
                yield from (name if _is_module(name) else source for name in inner)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _is_ours(alias.name))


def named_by(tree: ast.Module) -> Iterator[str]:
    """Our modules that strings name, such as "dqn_exp.api" and "dqn_exp.agent.dqn:build_dqn"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            module = node.value.partition(":")[0]
            if OUR_MODULE.fullmatch(module) and _is_module(module):
                yield module


def _is_module(name: str) -> bool:
    place = ROOT / name.replace(".", "/")
    return place.is_dir() or place.with_suffix(".py").exists()


def _is_ours(module: str) -> bool:
    return module.split(".")[0] in ("dqn_exp", "analysis")


def room(module: str) -> str:
    """The second part of a module's name; "" for a package itself."""
    return "".join(module.split(".")[1:2])


def room_path(module: str) -> list[str]:
    """Package and room: ["dqn_exp", "runs"] of dqn_exp.runs.metrics."""
    return module.split(".")[:2]


IMPORTS: Arrows = {(name, other) for name, package, tree in sources() for other in imported_by(tree, package)}
NAMES: Arrows = {(name, other) for name, _, tree in sources() for other in named_by(tree) if name != BY_NAME}
ARROWS = sorted(IMPORTS | NAMES)


def level(layers: tuple[set[str], ...], name: str) -> int:
    found = [number for number, rooms in enumerate(layers) if name in rooms]
    assert found, f"{name} is not in the plan of the house: tests/test_rooms.py"
    return found[0]


@pytest.mark.parametrize(("package", "layers"), [("dqn_exp", PROGRAM), ("analysis", ANALYSIS)])
def test_no_arrow_points_upward(package: str, layers: tuple[set[str], ...]) -> None:
    within = [(a, b) for a, b in ARROWS if a.startswith(f"{package}.") and b.startswith(f"{package}.")]
    upward = [
        f"{importer} imports {imported}"
        for importer, imported in within
        if room(importer) != room(imported) and level(layers, room(imported)) >= level(layers, room(importer))
    ]
    assert len(within) > 30
    assert not upward


def test_only_the_command_line_and_the_functions_know_both_packages() -> None:
    wrong = [
        f"{importer} imports {imported}"
        for importer, imported in ARROWS
        if importer.startswith("dqn_exp") and imported.startswith("analysis")
        if not any(f"{importer}.".startswith(f"dqn_exp.{one}.") for one in FOR_PEOPLE)
    ]
    assert not wrong


def test_analysis_reads_runs_and_the_storage_of_studies_alone() -> None:
    lowest = level(PROGRAM, LOWEST_HIDDEN)
    wrong = [
        f"{importer} imports {imported}"
        for importer, imported in ARROWS
        if importer.startswith("analysis") and imported.startswith("dqn_exp.")
        if level(PROGRAM, room(imported)) >= lowest and not imported.startswith(STORAGE)
    ]
    assert not wrong


def test_rooms_are_entered_by_their_faces() -> None:
    """A module of another room is imported through that room's `__init__`, or is one that it names."""
    wrong = [
        f"{importer} imports {imported}"
        for importer, imported in sorted(IMPORTS)
        if imported.count(".") > 1 and room_path(imported) != room_path(importer)
        if not (imported.startswith(STORAGE) or _is_named(imported))
    ]
    assert not wrong


def _is_named(module: str) -> bool:
    """Does the room's face offer this module as a whole?"""
    package, _, name = module.rpartition(".")
    return name in offered_modules(ROOT / package.replace(".", "/") / "__init__.py")


@pytest.mark.parametrize(
    "face", sorted([*ROOT.glob("dqn_exp/*/__init__.py"), *ROOT.glob("analysis/*/__init__.py")]), ids=str
)
def test_every_room_says_what_it_offers(face: Path) -> None:
    assert "_plugins" in str(face) or len(str(ast.get_docstring(ast.parse(face.read_text())))) > 40


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import dqn_exp.api", "dqn_exp.api"),
        ("def f():\n    from dqn_exp.api import sweep", "dqn_exp.api"),
        ("from dqn_exp import api", "dqn_exp.api"),
        ("from ..api import sweep", "dqn_exp.api"),
        ("from .. import api", "dqn_exp.api"),
        ("from . import looks", "dqn_exp.launch.looks"),
    ],
)
def test_every_kind_of_import_is_seen(source: str, found: str) -> None:
    assert list(imported_by(ast.parse(source), "dqn_exp.launch")) == [found]


def test_names_in_strings_are_seen() -> None:
    tree = ast.parse("f('dqn_exp.api', 'dqn_exp.agent.dqn:build_dqn', 'dqn_exp.nothing', 'dqn_exp')")
    assert list(named_by(tree)) == ["dqn_exp.api", "dqn_exp.agent.dqn"]
