"""Worker processes are forked from one server, but independent of each other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from hydra_plugins.dqn_exp.launcher import ParallelLauncher
from omegaconf import OmegaConf

from dqn_exp.workers.engine import Done
from dqn_exp.workers.pool import Pool
from dqn_exp.workers.server import stop_server


def call(function: Callable[[], Any]) -> Any:
    return function()


@pytest.fixture(scope="module", autouse=True)
def _server() -> Iterator[None]:
    """One for all: to begin with, it imports torch."""
    yield
    stop_server()


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool(2, call)
    yield pool
    pool.close()


def run(pool: Pool, *tasks: Callable[[], Any]) -> list[Done]:
    for task in tasks:
        pool.submit(task)
    done: list[Done] = []
    while pool.running:
        done += pool.wait()
    return done


def draw() -> float:
    return float(np.random.random())  # noqa: NPY002 # as an environment of a user's own might


def imported() -> list[str]:
    return list(sys.modules)


def blocked() -> set[signal.Signals]:
    return set(signal.pthread_sigmask(signal.SIG_BLOCK, ()))


def environment() -> dict[str, str]:
    return dict(os.environ)


def end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)


def start_sweep(cwd: Path, command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    arguments = ["-m", "seed=0,1", "budget.env_steps=200", "report=false", "hydra.sweep.dir=sweep"]
    return subprocess.run(
        [*command, *arguments], cwd=cwd, capture_output=True, text=True, check=False,
        env={**os.environ, **variables},
    )  # fmt: skip


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_workers_do_not_share_numpys_own_random_numbers(pool: Pool) -> None:
    first, second = (done.value for done in run(pool, draw, draw))
    assert first != second


def test_a_worker_is_born_with_what_trials_import(pool: Pool) -> None:
    (done,) = run(pool, imported)
    assert {"torch", "numba", "dqn_exp.runs.record", "dqn_exp.agent.fused"} <= set(done.value)


def test_ctrl_c_does_not_reach_workers(pool: Pool) -> None:
    (done,) = run(pool, blocked)
    assert signal.SIGINT in done.value


def test_a_dead_worker_is_replaced(pool: Pool) -> None:
    (died,) = run(pool, die)
    assert died.worker_died
    assert [done.error for done in run(pool, draw, draw)] == [None, None]


def test_a_worker_that_was_asked_to_end_counts_as_dead(pool: Pool) -> None:
    """A machine that runs out of memory may ask before it kills."""
    (ended,) = run(pool, end)
    assert ended.worker_died
    assert [done.error for done in run(pool, draw, draw)] == [None, None]


def test_a_worker_may_die_while_it_is_idle(pool: Pool) -> None:
    pids = [done.value for done in run(pool, os.getpid, os.getpid)]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.5)
    assert [done.error for done in run(pool, draw, draw)] == [None, None]


def test_workers_have_the_drivers_environment(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_DRIVER", "now")
    (done,) = run(pool, environment)
    assert done.value == dict(os.environ)


def test_a_sweep_runs_with_a_long_temporary_directory_and_no_news_of_children(tmp_path: Path) -> None:
    """The name of a socket has at most 107 letters, and some daemons leave SIGCHLD ignored."""
    place = tmp_path / ("x" * 90)
    place.mkdir()
    program = [
        "import os, signal, sys",
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
        "os.execv(sys.executable, [sys.executable, '-m', 'dqn_exp', *sys.argv[1:]])",
    ]
    ended = start_sweep(tmp_path, [sys.executable, "-c", ";".join(program)], TMPDIR=str(place))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert list(place.iterdir()) == []


def test_what_is_read_at_import_can_be_set_for_the_job(pool: Pool) -> None:
    launcher = ParallelLauncher(n_jobs=1, retries=0)
    for variables, is_imported in (({"NUMBA_CACHE_DIR": "/x"}, False), ({}, True)):
        config = OmegaConf.create({"hydra": {"job": {"env_set": variables}}})
        launcher.setup(hydra_context=Mock(), task_function=Mock(), config=config)
        (done,) = run(pool, imported)
        assert ("numba" in done.value) == is_imported
        pool.close()
        stop_server()
        pool = Pool(1, call)


def test_a_script_needs_no_main_guard_and_chooses_what_is_imported(tmp_path: Path) -> None:
    """Workers that ran it would start sweeps of their own; what lies in the directory is not on its path."""
    (tmp_path / "numba.py").write_text("raise SystemExit('the wrong one')")
    script = Path(tmp_path, "scripts", "script.py")
    script.parent.mkdir()
    script.write_text("from dqn_exp.__main__ import main\nprint('started')\nmain()\n")
    ended = start_sweep(tmp_path, [sys.executable, str(script)])
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count("started") == 1
