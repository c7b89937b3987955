"""Provenance: what was run, on which machine and with which versions."""

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

from dqn_exp.runs import code

PACKAGES = ("dqn_exp", "torch", "numpy", "numba", "gymnasium", "hydra-core", "optuna", "joblib")
COMPUTING = (
    *("llvmlite", "box2d", "box2d-py", "mujoco", "ale-py"),
    *("opencv-python", "opencv-python-headless", "pygame", "pygame-ce"),
)
"""Packages that numba and gymnasium's environments and wrappers compute with; recorded if installed."""
PLUGINS = "gymnasium.envs"
"""The entry-point group of packages that register environments without being imported."""
CPU_FACTS = {"cpu family": "family", "model": "model"}
VECTOR_SETS = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX"}
"""Names in /proc/cpuinfo of the instruction sets that libraries choose by, widest first."""
SCRIPT = "dqn-exp"
"""The name of the installed program."""


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@functools.cache
def environment() -> dict[str, Any]:
    """Command, versions, machine and source code; the same for every trial of one command."""
    return {
        "command": command_line(),
        "git": git_revision(Path(__file__).parent),
        "source": code.source(),
        "versions": {"python": platform.python_version(), **_versions()},
        "host": socket.gethostname(),
        "cpu": _cpu(),
    }


def on_this_machine(driver: dict[str, Any]) -> dict[str, Any]:
    """The driver's `environment()`; on another machine, this machine's, with the driver's command."""
    if driver.get("host") in (None, socket.gethostname()):
        return driver
    return {**environment(), "command": driver["command"]}


def command_line() -> str:
    """The command as the user can type it again."""
    program, *arguments = _typed or sys.argv
    if Path(program).parts[-2:] == ("dqn_exp", "__main__.py"):
        start = "python -m dqn_exp"
    else:
        start = SCRIPT if Path(program).name == SCRIPT else f"python {shlex.quote(program)}"
    return " ".join([start, *map(shlex.quote, arguments)])


def set_command(typed: Sequence[str]) -> None:
    """Begin a command: record `typed`, not the arguments that are derived from it for Hydra."""
    _typed[:] = typed
    environment.cache_clear()
    code.forget_digests()


_typed: list[str] = []


def git_revision(directory: Path) -> dict[str, Any] | None:
    """Commit of the source code and whether it has uncommitted changes; None outside a repository."""
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
    plugins = {entry.dist.name for entry in importlib.metadata.entry_points(group=PLUGINS) if entry.dist}
    for package in dict.fromkeys((*PACKAGES, *COMPUTING, *sorted(plugins))):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _cpu() -> str:
    try:
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        first = ""
    return describe_cpu(first) or platform.processor() or platform.machine()


def describe_cpu(block: str) -> str | None:
    """A processor and its widest vectors, from its `block` of /proc/cpuinfo; None if that has no name.

    Family, model and vectors decide how sums are rounded. A virtual machine's name often hides them.
    """
    parts = (line.partition(":") for line in block.splitlines())
    facts = {name.strip(): value.strip() for name, _, value in parts}
    if "model name" not in facts:
        return None
    flags = facts.get("flags", "").split()
    details = [
        *(f"{label} {facts[key]}" for key, label in CPU_FACTS.items() if key in facts),
        *[label for flag, label in VECTOR_SETS.items() if flag in flags][:1],
    ]
    return f"{facts['model name']} ({', '.join(details)})" if details else facts["model name"]
