"""Faces: what an `__init__.py` offers is taken by other rooms. Classes: a name means one of them."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

from analysis.__main__ import COMMANDS

ROOT = Path(__file__).parents[1]
FOR_USERS = {
    *("agent.build_learner", "api.Interval", "export.NotExportable", "trackers.Tracker", "trackers.require"),
}
"""Names that no room of ours takes: they are for agents, trackers and scripts of one's own."""
SAME_NAMES = {"Rows", "Sweep"}
"""Rows are transitions in `replay` and activations in `agent.fused`. A sweep is a folder in `api` and
what was read from it in `analysis.records`."""


def offered_modules(face: Path) -> list[str]:
    """The names in backquotes that directly follow the word "module", "modules" or "package"."""
    text = " ".join(str(ast.get_docstring(ast.parse(face.read_text()))).split())
    lists = re.findall(r"(?:[Mm]odules?|[Pp]ackages?) ((?:`\w+`(?:, and |, | and )?)+)", text)
    return re.findall(r"`(\w+)`", " ".join(lists))


def offered_names(face: Path) -> list[str]:
    """The names that a face hands on from its modules."""
    blocks = (node for node in ast.parse(face.read_text()).body if isinstance(node, ast.If))
    imports = (node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom))
    package = ".".join(face.parent.relative_to(ROOT).parts)
    return [alias.name for node in imports if str(node.module).startswith(package) for alias in node.names]


OF_ANALYSIS = sorted(ROOT.glob("analysis/*/__init__.py"))
FACES = [*sorted(ROOT.glob("dqn_exp/*/__init__.py")), *OF_ANALYSIS]


def attributes_taken(tree: ast.AST) -> set[tuple[str, str]]:
    """Package and name of every `called.name` after `from dqn_exp import package as called`."""
    called = {
        alias.asname: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in ("dqn_exp", "analysis")
        for alias in node.names
        if alias.asname
    }
    attributes = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return {
        (called[node.value.id], node.attr)
        for node in attributes
        if isinstance(node.value, ast.Name) and node.value.id in called
    }


def names_taken() -> set[tuple[str, str]]:
    """Package and name of what is imported from a package outside its room, also in tests and documents.

    A package may be imported under another name, whose attributes are then taken.
    """
    sources = [path for top in ("dqn_exp", "analysis", "tests") for path in ROOT.glob(f"{top}/**/*.py")]
    trees = [(path, ast.parse(path.read_text())) for path in sources]
    written = "\n".join(path.read_text() for path in [*ROOT.glob("docs/**/*.md"), ROOT / "README.md"])
    taken = {
        (str(node.module), alias.name)
        for path, tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        if not str(path.relative_to(ROOT)).startswith(f"{node.module.replace('.', '/')}/")
        for alias in node.names
    }
    for _, tree in trees:
        taken |= attributes_taken(tree)
    lines = re.findall(r"from ((?:dqn_exp|analysis)[\w.]*) import ([\w, ]+)", written)
    return taken | {(package, name.strip()) for package, names in lines for name in names.split(",")}


def test_what_a_face_offers_is_taken() -> None:
    """A name that no other room, test or document takes from a face is private."""
    taken = names_taken()
    idle = {
        f"{face.parent.name}.{name}"
        for face in FACES
        for name in offered_names(face)
        if (".".join(face.parent.relative_to(ROOT).parts), name) not in taken
    }
    assert len(taken) > 500
    assert idle == FOR_USERS


def test_the_modules_that_a_face_of_the_analysis_offers_are_taken() -> None:
    """By other rooms, by tests, or by name as commands."""
    taken = {name for pair in names_taken() for name in (pair[0], ".".join(pair))}
    taken |= {command.module for command in COMMANDS.values()}
    offered = {
        f"analysis.{face.parent.name}.{name}" for face in OF_ANALYSIS for name in offered_modules(face)
    }
    assert len(offered) > 15
    assert not {
        module for module in offered if not any(f"{name}.".startswith(f"{module}.") for name in taken)
    }


def test_a_name_means_one_class() -> None:
    """Whoever meets the name of a class need not ask which it is; within `analysis` without exception."""
    files = [*ROOT.glob("dqn_exp/**/*.py"), *ROOT.glob("analysis/**/*.py")]
    classes = [
        (node.name, path.relative_to(ROOT).parts[0])
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    ]
    repeated = {name for name, count in Counter(name for name, _ in classes).items() if count > 1}
    assert repeated == SAME_NAMES
    assert not [name for (name, room), n in Counter(classes).items() if n > 1 and room == "analysis"]
