"""Worker processes: forked from one server, and yet each its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dqn_exp.launch.pool import Done, Pool
from dqn_exp.launch.server import stop_server


def call(function: Callable[[], Any]) -> Any:
    return function()


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool(2, call)
    yield pool
    pool.close()
    stop_server()


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


def test_a_script_needs_no_main_guard(tmp_path: Path) -> None:
    """Workers that began by running the driver's script again would start sweeps of their own."""
    script = tmp_path / "script.py"
    script.write_text("from dqn_exp.__main__ import main\nprint('started')\nmain()\n")
    arguments = ["-m", "seed=0,1", "budget.env_steps=200", "report=false", "hydra.sweep.dir=sweep"]
    ended = subprocess.run(
        [sys.executable, script, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count("started") == 1
