"""Provenance: the recorded program, machine and versions."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dqn_exp.runs import provenance
from dqn_exp.runs.provenance import PACKAGES, command_line, describe_cpu, environment, git_revision, now


def git(directory: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=directory, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One that holds a file of the name that is looked for."""
    (tmp_path / "provenance.py").write_text("first")
    git(tmp_path, "init")
    git(tmp_path, "add", "provenance.py")
    git(tmp_path, "commit", "--message", "all")
    return tmp_path


def test_a_commit_is_told_with_whether_it_had_changes(repository: Path) -> None:
    clean = git_revision(repository)
    assert clean is not None
    assert re.fullmatch("[0-9a-f]{40}", clean["commit"])
    assert not clean["dirty"]
    (repository / "provenance.py").write_text("second")
    assert git_revision(repository) == {**clean, "dirty": True}


def test_a_program_that_its_repository_does_not_hold_has_no_commit(repository: Path, tmp_path: Path) -> None:
    """As where it is installed into an environment inside somebody else's repository."""
    git(repository, "rm", "--cached", "provenance.py")
    assert git_revision(repository) is None
    assert git_revision(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["/somewhere/dqn_exp/__main__.py", "-m", "seed=range(3)"], "python -m dqn_exp -m 'seed=range(3)'"),
        (["/somewhere/bin/dqn-exp", "seed=3"], "dqn-exp seed=3"),
        (["program.py", "a=b"], "python program.py a=b"),
    ],
)
def test_a_command_can_be_typed_again(
    arguments: list[str], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", arguments)
    assert command_line() == line


def test_an_environment_names_its_machine_and_its_packages() -> None:
    told = environment()
    assert told["versions"]["python"] == platform.python_version()
    for package in set(PACKAGES) - {"dqn_exp"}:
        assert told["versions"][package] == importlib.metadata.version(package)
    assert told["host"] == socket.gethostname()
    assert told["command"].startswith("python ")
    assert told["git"] is None or len(told["git"]["commit"]) == 40
    assert told["cpu"]


@pytest.mark.parametrize(
    ("lines", "cpu"),
    [
        (
            [
                "cpu family\t: 25",
                "model\t\t: 17",
                "model name\t: AMD EPYC",
                "flags\t\t: fpu avx avx2 avx512f",
            ],
            "AMD EPYC (family 25, model 17, AVX-512)",
        ),
        (["model name\t: AMD EPYC", "flags\t\t: fpu avx avx2"], "AMD EPYC (AVX2)"),
        (["model name\t: ARMv7 Processor"], "ARMv7 Processor"),
        (["processor\t: 0", "CPU implementer\t: 0x41"], None),
    ],
)
def test_processors_of_one_name_are_told_apart(lines: list[str], cpu: str | None) -> None:
    assert describe_cpu("\n".join(lines)) == cpu


def test_now_is_in_utc_to_the_second() -> None:
    told = datetime.fromisoformat(now())
    assert told.utcoffset() == datetime.now(UTC).utcoffset()
    assert told.microsecond == 0
    assert abs((datetime.now(UTC) - told).total_seconds()) < 60


def test_another_machine_tells_of_itself() -> None:
    """What was typed is the driver's."""
    here = provenance.environment()
    assert provenance.on_this_machine(here) is here
    driver = {**here, "host": "elsewhere", "cpu": "another", "command": "python -m dqn_exp -m seed=1,2"}
    assert provenance.on_this_machine(driver) == {**here, "command": driver["command"]}
