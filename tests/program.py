"""Starts the program like a user, and reads what it writes to disk."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import scipy.stats  # noqa: F401 - so that the forks of `run_here` have it

from dqn_exp.__main__ import main
from dqn_exp.workers.server import stop_server

ROOT = Path(__file__).parents[1]
TINY = (
    "budget.env_steps=400",
    "batch=32",
    "evaluation.every_steps=200",
    "evaluation.episodes=1",
    "evaluation.final_episodes=1",
    "metrics.loss_every=20",
    "report=false",
)
"""A trial of less than a second."""
SMALL = {key: value for key, _, value in (text.partition("=") for text in TINY) if key != "report"}
"""The same for the functions of `dqn_exp`."""

RECORDED = ("episodes.csv", "evaluations.csv", "losses.csv", "network.safetensors")
"""What must not depend on when, where and beside what a trial runs."""


@dataclass
class Ended:
    """How a process ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


def start(*arguments: str, cwd: Path, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """The program in a process group of its own; its output goes to `out` and `err` below `cwd`."""
    with open(cwd / "out", "w") as out, open(cwd / "err", "w") as err:
        return subprocess.Popen(
            [sys.executable, "-m", "dqn_exp", *arguments],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
            stdout=out,
            stderr=err,
            text=True,
            start_new_session=True,
        )


def finish(process: subprocess.Popen[str], cwd: Path, timeout: float = 120) -> Ended:
    code = process.wait(timeout)
    return Ended(code, (cwd / "out").read_text(), (cwd / "err").read_text())


def run(*arguments: str, cwd: Path, environment: dict[str, str] | None = None) -> Ended:
    """Start the program and wait for its end."""
    return finish(start(*arguments, cwd=cwd, environment=environment), cwd)


def run_here(*arguments: str, cwd: Path, **environment: str) -> Ended:
    """The program in a fork of this process, which has imported everything already: quick."""
    out, err = cwd.parent / f"{cwd.name}.out", cwd.parent / f"{cwd.name}.err"
    stop_server()  # that of an earlier test is no child of the fork
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.chdir(cwd)
            for descriptor, path in ((1, out), (2, err)):
                os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC), descriptor)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            sys.path.insert(0, str(cwd))
            os.environ.pop("HYDRA_FULL_ERROR", None)
            os.environ.update(environment)
            sys.argv = ["dqn_exp", *arguments]
            main()
            code = 0
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return Ended(os.waitstatus_to_exitcode(status), out.read_text(), err.read_text())


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.01)


@contextmanager
def deaf_service() -> Iterator[str]:
    """The host and port of a service that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def records(trial: Path) -> dict[str, bytes]:
    return {name: (trial / name).read_bytes() for name in RECORDED}


def tree(directory: Path) -> dict[str, bytes]:
    """Every file below `directory` and its bytes, but for those that are just being written."""
    files = [path for path in directory.rglob("*") if path.is_file() and not path.match(".*.tmp")]
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def descendants(pid: int) -> set[int]:
    """The living processes that `pid` has started, and those that they have."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(stat.parent.name)] = int(fields[1])
    found, fresh = set(), {pid}
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return found


def alive(pids: set[int]) -> set[int]:
    """Those of `pids` that still run (zombies do not)."""
    living = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            living.add(pid)
    return living
