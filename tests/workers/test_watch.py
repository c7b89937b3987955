"""A worker that makes no steps is killed, and its trial loses nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from dqn_exp.config.schema import Config
from dqn_exp.plan.planner import pack
from dqn_exp.runs.record import run_trial
from dqn_exp.runs.result import read_result
from dqn_exp.workers.engine import Done
from dqn_exp.workers.failures import job_return
from dqn_exp.workers.pool import Pool
from dqn_exp.workers.server import stop_server
from dqn_exp.workers.watch import Watch
from dqn_exp.workers.worker import Job
from tests.launch import fragile  # noqa: F401 - registers the environment
from tests.program import TINY, records, run
from tests.runs.test_record import short


@dataclass(frozen=True)
class Task:
    """Shows its progress by the lock files of these directories."""

    directories: tuple[Path, ...]
    seconds: float = 0.0
    touches: bool = False


def work(task: Task) -> str:
    """Take the seconds that the task says, with or without signs of life."""
    end = time.monotonic() + task.seconds
    while time.monotonic() < end:
        if task.touches:
            (task.directories[-1] / "lock").touch()
        time.sleep(0.1)
    return "done"


@dataclass(frozen=True)
class Trial:
    config: Config
    directory: Path

    @property
    def directories(self) -> list[Path]:
        return [self.directory]


def train(trial: Trial) -> str:
    return run_trial(trial.config, trial.directory, {}).status


@pytest.fixture(scope="module", autouse=True)
def _server() -> Iterator[None]:
    """One for all: to begin with, it imports torch."""
    yield
    stop_server()


def only(pool: Pool) -> Done:
    done: list[Done] = []
    while not done:
        done = list(pool.wait(timeout=1))
    (one,) = done
    return one


def test_silence_counts_from_the_latest_sign_of_any_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    task, watch, now = Task((tmp_path / "a", tmp_path / "b")), Watch(10), 100.0
    monkeypatch.setattr("dqn_exp.workers.watch.time.monotonic", lambda: now)
    answers = []
    for seconds, is_sign in ((0, False), (9, False), (0.9, True), (9.9, False), (0.1, False), (5, True)):
        now += seconds
        if is_sign:
            (tmp_path / "a" / "lock").write_text(str(now))
        answers.append(watch.is_stuck(task, task))
    assert answers == [False, False, False, False, True, False]
    assert not watch.is_stuck(work, work)  # whose progress nobody can see


def test_the_worker_of_a_silent_task_is_killed_and_no_other(tmp_path: Path) -> None:
    pool = Pool(2, work, patience=2)
    alive, silent = Task((tmp_path,), seconds=5, touches=True), Task((tmp_path / "x",), seconds=600)
    pool.submit(alive)
    pool.submit(silent)
    began, killed = time.monotonic(), only(pool)
    assert (killed.task, killed.stuck, killed.worker_died) == (silent, True, True)
    assert killed.death == "killed after 2 s without a step"
    assert time.monotonic() - began >= 2
    done = only(pool)
    assert (done.task, done.value, done.stuck) == (alive, "done", False)
    pool.submit(Task((tmp_path / "x",)))
    assert only(pool).value == "done"
    pool.close()


def test_without_patience_silence_is_no_matter(tmp_path: Path) -> None:
    pool = Pool(1, work)
    pool.submit(Task((tmp_path,), seconds=3))
    assert only(pool).value == "done"
    pool.close()


def test_a_step_that_hangs_costs_the_patience_and_nothing_else(tmp_path: Path) -> None:
    """Its environment hangs in step 300 of the first process."""
    settings = {"imports": ["tests.launch.fragile"], "env": "gymnasium", "env__id": "probe/Fragile-v0"}
    config = short(**settings, env__kwargs={"trouble": "hang_once", "healed": str(tmp_path / "healed")})
    pool = Pool(1, train, patience=8)
    pool.submit(Trial(config, tmp_path / "trial"))
    stuck = only(pool)
    assert (stuck.stuck, stuck.death) == (True, "killed after 8 s without a step")
    pool.submit(stuck.task)
    assert only(pool).value == "exhausted"
    pool.close()
    run_trial(config, tmp_path / "whole", {})
    assert records(tmp_path / "trial") == records(tmp_path / "whole")


def test_one_that_hangs_each_time_has_failed_of_that(tmp_path: Path) -> None:
    config = OmegaConf.create({"hydra": {"sweep": {}, "overrides": {"task": []}}})
    job = Job("trial", tmp_path.parent, tmp_path.name, pack(config), b"")
    done = Done(job, error=RuntimeError(), death="killed after 20 s without a step", stuck=True)
    job_return(done, n_deaths=3)
    result = read_result(tmp_path)
    assert result is not None
    assert result.cause == "its process died 3 times (killed after 20 s without a step)"


@pytest.mark.slow
def test_a_sweep_kills_what_hangs_and_tries_it_again(tmp_path: Path) -> None:
    env = ("imports=[tests.launch.fragile]", "env=gymnasium", "env.id=probe/Fragile-v0", "seed=7")
    troubles = (f"+env.kwargs.healed={tmp_path / 'healed'}", "+env.kwargs.trouble=none,hang_once")
    command = ("-m", *TINY, *env, *troubles, "hydra.sweep.dir=s", "hydra.launcher.retries=1")
    ended = run(*command, "hydra.launcher.patience=20", "checkpoint.every_seconds=0", cwd=tmp_path)
    assert ended.code == 0, ended.said
    message = "hang_once,seed=7: its process died (killed after 20 s without a step); trying again"
    assert ended.out.count(message) == 1
    none, hung = (tmp_path / "s" / f"+env.kwargs.trouble={t},seed=7" for t in ("none", "hang_once"))
    assert records(hung) == records(none)
