"""Every shown command can be pasted into a shell: special characters are quoted."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dqn_exp.cli.help import help_text

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
SETTINGS = sorted([*ROOT.glob("sweeps/*.yaml"), *ROOT.glob("conf/**/*.yaml")])
SOURCES = sorted([*ROOT.glob("dqn_exp/**/*.py"), *ROOT.glob("analysis/**/*.py")])
STARTS = r"(?:\.venv/bin/)?(?:python -m|pip|make|optuna-dashboard) "
SPECIAL = re.compile(r"[()\[\]{}*?<>;&|`]")
"""Of a shell; in a word it has a meaning of its own unless it is quoted."""
CALL = re.compile(r"\S*=(?:range|interval|tag|choice|int)\(")


def commands() -> Iterator[tuple[str, str]]:
    """Where each command is shown, and the command with its comment."""
    texts = {page.relative_to(ROOT): _code(page.read_text()) for page in PAGES}
    texts |= {path.relative_to(ROOT): path.read_text().replace("# ", "") for path in SETTINGS}
    texts |= {Path("--help"): help_text()}
    for place, text in texts.items():
        for line in re.findall(rf"^\s*({STARTS}.*)$", text, re.MULTILINE):
            yield str(place), line


def _code(page: str) -> str:
    """The code of a page, one command a line."""
    blocks = re.findall(r"^```(?:bash)?\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", page, flags=re.DOTALL | re.MULTILINE))
    return "\n".join([*blocks, *spans]).replace("\\\n", "")


SHOWN = sorted(set(commands()))


def test_commands_are_found() -> None:
    assert {place for place, _ in SHOWN} >= {"README.md", "--help", "sweeps/tune_cartpole.yaml"}
    assert len(SHOWN) > 60


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_a_shell_reads_them(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    for place, command in SHOWN:
        read = subprocess.run([shell, "-n"], input=command, capture_output=True, text=True)
        assert (read.returncode, read.stderr) == (0, ""), f"{place}: {command}"


def test_what_is_special_to_a_shell_is_quoted() -> None:
    for place, command in SHOWN:
        bare = re.sub(r"'[^']*'|\"[^\"]*\"", "", command).partition(" #")[0]
        assert not SPECIAL.search(bare), f"{place}: {command}"


def test_what_pages_and_messages_advise_is_quoted() -> None:
    advice = [(page, _code(page.read_text())) for page in PAGES]
    advice += [(source, text) for source in SOURCES for text in _messages(source)]
    words = [(path.name, word) for path, text in advice for word in CALL.findall(text)]
    assert len(words) > 10
    assert not [found for found in words if not found[1].lstrip("(").startswith("'")]


def _messages(source: Path) -> Iterator[str]:
    """The strings of a module but its docstrings, with {} for what is filled in."""
    tree = ast.parse(source.read_text())
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = node.values
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in parts)
            told |= {id(part) for part in parts}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value
