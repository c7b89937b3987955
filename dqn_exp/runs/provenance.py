"""What was run, where and with what."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
import shlex
import socket
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PACKAGES = ("dqn_exp", "torch", "numpy", "numba", "gymnasium", "hydra-core", "optuna", "joblib")
SCRIPT = "dqn-exp"
"""The program as it is installed."""


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@functools.cache
def environment() -> dict[str, Any]:
    """Versions, machine and source code; the same for every trial of one process."""
    return {
        "command": command_line(),
        "git": git_revision(Path(__file__).parent),
        "versions": {"python": platform.python_version(), **_versions()},
        "host": socket.gethostname(),
        "cpu": _cpu(),
    }


def command_line() -> str:
    """What was typed, as it can be typed again."""
    program, *arguments = _typed or sys.argv
    if Path(program).parts[-2:] == ("dqn_exp", "__main__.py"):
        start = "python -m dqn_exp"
    else:
        start = SCRIPT if Path(program).name == SCRIPT else f"python {shlex.quote(program)}"
    return " ".join([start, *map(shlex.quote, arguments)])


def set_command(typed: Sequence[str]) -> None:
    """A command begins here; what is made of it for Hydra is not to be recorded."""
    _typed[:] = typed
    environment.cache_clear()


_typed: list[str] = []


def git_revision(directory: Path) -> dict[str, Any] | None:
    """Commit of the source code and whether it had changes; null outside a repository."""
    try:
        _git(directory, "ls-files", "--error-unmatch", Path(__file__).name)
        commit = _git(directory, "rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_git(directory, "status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(directory: Path, *arguments: str) -> str:
    run = subprocess.run(["git", *arguments], cwd=directory, capture_output=True, text=True, check=True)
    return run.stdout.strip()


def _versions() -> dict[str, str]:
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
