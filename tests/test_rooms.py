"""The architecture: imports point one way, and a package is imported only through its `__init__`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_faces import offered_modules

ROOT = Path(__file__).parents[1]

PROGRAM = (
    {"faces"},
    {"config"},
    {"borrowed", "clock", "compilation", "convergence", "images", "masks", "platforms", "registry", "scores"}
    | {"seeding", "text"},
    {"heads"},
    {"envs", "networks"},
    {"replay"},
    {"agent"},
    {"training", "trackers"},
    {"runs"},
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
FOR_PEOPLE = {"cli", "api", "export", "__main__", "_plugins"}
"""The rooms of `dqn_exp` that know `analysis`: they hand to people what trials have shown."""
LOWEST_HIDDEN = "launch"
"""From this room of `dqn_exp` upwards, `analysis` knows nothing but `STORAGE`."""
STORAGE = "dqn_exp.study.storage"


def imports() -> Iterator[tuple[str, str]]:
    """Importing and imported module, for every import among the two packages, also inside functions."""
    for path in [*ROOT.glob("dqn_exp/**/*.py"), *ROOT.glob("analysis/**/*.py")]:
        importer = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                yield from ((importer, imported) for imported in _modules(node))
            if isinstance(node, ast.Import):
                yield from ((importer, alias.name) for alias in node.names if _is_ours(alias.name))


def _modules(node: ast.ImportFrom) -> Iterator[str]:
    """What an import names: of `from package import module`, the module."""
    assert node.module is not None
    for alias in node.names:
        inner = f"{node.module}.{alias.name}"
        place = ROOT / inner.replace(".", "/")
        if _is_ours(node.module):
            yield inner if place.is_dir() or place.with_suffix(".py").exists() else node.module


def _is_ours(module: str) -> bool:
    return module.split(".")[0] in ("dqn_exp", "analysis")


def room(module: str) -> str:
    """The second part of a module's name; "" for a package itself."""
    return "".join(module.split(".")[1:2])


def room_path(module: str) -> list[str]:
    """Package and room: ["dqn_exp", "runs"] of dqn_exp.runs.metrics."""
    return module.split(".")[:2]


IMPORTS = sorted(set(imports()))


def level(layers: tuple[set[str], ...], name: str) -> int:
    found = [number for number, rooms in enumerate(layers) if name in rooms]
    assert found, f"{name} is not in the plan of the house: tests/test_rooms.py"
    return found[0]


@pytest.mark.parametrize(("package", "layers"), [("dqn_exp", PROGRAM), ("analysis", ANALYSIS)])
def test_no_arrow_points_upward(package: str, layers: tuple[set[str], ...]) -> None:
    within = [(a, b) for a, b in IMPORTS if a.startswith(f"{package}.") and b.startswith(f"{package}.")]
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
        for importer, imported in IMPORTS
        if importer.startswith("dqn_exp") and imported.startswith("analysis")
        if room(importer) not in FOR_PEOPLE
    ]
    assert not wrong


def test_analysis_reads_runs_and_the_storage_of_studies_alone() -> None:
    lowest = level(PROGRAM, LOWEST_HIDDEN)
    wrong = [
        f"{importer} imports {imported}"
        for importer, imported in IMPORTS
        if importer.startswith("analysis") and imported.startswith("dqn_exp.")
        if level(PROGRAM, room(imported)) >= lowest and not imported.startswith(STORAGE)
    ]
    assert not wrong


def test_rooms_are_entered_by_their_faces() -> None:
    """A module of another room is imported through that room's `__init__`, or is one that it names."""
    wrong = [
        f"{importer} imports {imported}"
        for importer, imported in IMPORTS
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
