"""What every engine promises: the same suite for each; a new one is added to `ENGINES`."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra_plugins.dqn_exp.launcher import ParallelLauncher

from dqn_exp.launch.batches import LauncherEngine
from dqn_exp.launch.engine import Done, Engine, Workers
from dqn_exp.launch.server import stop_server
from tests.program import alive, wait_until


@dataclass(frozen=True)
class Task:
    """Number `number` does as `kind` says and leaves a file for each time that it is begun."""

    number: int
    folder: Path
    kind: str = "value"


def work(task: Task) -> int:
    with open(task.folder / str(task.number), "a") as file:
        print(os.getpid(), file=file)
    if task.kind == "raise":
        raise ValueError(f"number {task.number}")
    if task.kind == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if task.kind == "sleep":
        time.sleep(120)
    return 10 * task.number


class Listing(Launcher):
    """Notes down the jobs and their numbers, and lets those fail that say so."""

    def __init__(self) -> None:
        self.launched: list[tuple[int, str]] = []

    def setup(self, **_: Any) -> None: ...

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> list[JobReturn]:
        self.launched += [(initial_job_idx + i, *job) for i, job in enumerate(job_overrides)]
        return [self._result(job) for job in job_overrides]

    @staticmethod
    def _result(job: Sequence[str]) -> JobReturn:
        failed = "fail" in job
        result = JobReturn(list(job), status=JobStatus.FAILED if failed else JobStatus.COMPLETED)
        result.return_value = RuntimeError("the pole broke") if failed else None
        return result


def launcher_engine(launcher: Launcher | None = None) -> LauncherEngine:
    return LauncherEngine(launcher or Listing(), lambda task: {"first": ["a"], "second": [task.kind]})


ENGINES: dict[str, Callable[[], Engine]] = {
    "parallel": lambda: ParallelLauncher(n_jobs=2, retries=0),
    "launcher": launcher_engine,
}
OF_PROCESSES = ("parallel",)
"""Those that run tasks in processes of their own, on this machine."""

every_engine = pytest.mark.parametrize("name", ENGINES)
engines_of_processes = pytest.mark.parametrize("name", OF_PROCESSES)


@pytest.fixture(scope="module", autouse=True)
def _server() -> Iterator[None]:
    """One for all: to begin with, it imports torch."""
    yield
    stop_server()


@pytest.fixture
def workers(name: str) -> Iterator[Workers]:
    """Two of the engine called `name`."""
    workers = ENGINES[name]().workers(work, 2)
    yield workers
    workers.close()


def run(workers: Workers, tasks: Sequence[Task]) -> list[Done]:
    waiting, done = list(tasks), []
    while waiting or workers.running:
        while waiting and workers.idle_workers:
            workers.submit(waiting.pop(0))
        done += workers.wait()
    return sorted(done, key=lambda one: one.task.number)


def times_begun(tasks: Sequence[Task]) -> list[int]:
    return [len((task.folder / str(task.number)).read_text().splitlines()) for task in tasks]


@every_engine
def test_it_is_an_engine(name: str) -> None:
    engine = ENGINES[name]()
    assert isinstance(engine, Engine)
    assert engine.can_prune is (name == "parallel")
    assert not isinstance(Listing(), Engine)


@every_engine
def test_each_task_runs_once_and_gives_its_value(workers: Workers, tmp_path: Path) -> None:
    tasks = [Task(number, tmp_path) for number in range(7)]
    done = run(workers, tasks)
    assert [one.task for one in done] == tasks
    assert [one.value for one in done] == [0, 10, 20, 30, 40, 50, 60]
    assert times_begun(tasks) == [1] * 7
    assert not any(one.error or one.worker_died for one in done)


@every_engine
def test_an_exception_belongs_to_its_task(workers: Workers, tmp_path: Path) -> None:
    tasks = [Task(0, tmp_path), Task(1, tmp_path, "raise"), Task(2, tmp_path), Task(3, tmp_path)]
    good, raised, *others = run(workers, tasks)
    assert isinstance(raised.error, ValueError)
    assert (str(raised.error), raised.value, raised.worker_died) == ("number 1", None, False)
    assert [one.error for one in (good, *others)] == [None] * 3
    assert times_begun(tasks) == [1] * 4


@every_engine
def test_it_tells_who_is_busy(workers: Workers, tmp_path: Path) -> None:
    first, second = Task(0, tmp_path), Task(1, tmp_path)
    seen = [(workers.idle_workers, workers.running)]
    for task in (first, second):
        workers.submit(task)
        seen.append((workers.idle_workers, workers.running))
    assert seen == [(2, []), (1, [first]), (0, [first, second])]
    run(workers, [])
    assert (workers.idle_workers, workers.running) == (2, [])


def test_the_number_of_workers_is_the_engines_own_unless_it_is_given() -> None:
    engine = ParallelLauncher(n_jobs=3, retries=0)
    for given, expected in ((None, 3), (5, 5)):
        workers = engine.workers(work, given)
        assert workers.idle_workers == expected
        workers.close()


@engines_of_processes
def test_a_killed_worker_costs_its_own_task_alone(workers: Workers, tmp_path: Path) -> None:
    tasks = [Task(0, tmp_path), Task(1, tmp_path, "die"), Task(2, tmp_path), Task(3, tmp_path)]
    done = run(workers, tasks)
    assert [one.death for one in done] == [None, "SIGKILL(-9)", None, None]
    assert [one.value for one in done] == [0, None, 20, 30]
    assert times_begun(tasks) == [1] * 4


@engines_of_processes
def test_killing_ends_the_processes(name: str, tmp_path: Path) -> None:
    workers = ENGINES[name]().workers(work, 2)
    tasks = [Task(0, tmp_path, "sleep"), Task(1, tmp_path, "sleep")]
    for task in tasks:
        workers.submit(task)
    wait_until(lambda: len(list(tmp_path.glob("[01]"))) == 2 and all(times_begun(tasks)))
    pids = {int((tmp_path / str(task.number)).read_text()) for task in tasks}
    assert alive(pids) == pids
    workers.close(kill=True)
    wait_until(lambda: not alive(pids), seconds=10)


@every_engine
def test_what_was_stopped_gives_its_worker_back(workers: Workers, tmp_path: Path) -> None:
    stopped, other = Task(0, tmp_path, "sleep"), Task(1, tmp_path)
    workers.submit(stopped)
    workers.submit(other)
    workers.stop(stopped)
    done = [*run(workers, []), *run(workers, [Task(2, tmp_path), Task(3, tmp_path)])]
    assert [one.value for one in done if one.task != stopped] == [10, 20, 30]
    assert all(one.worker_died for one in done if one.task == stopped)


@engines_of_processes
def test_a_task_that_is_stopped_hears_of_it(name: str, tmp_path: Path) -> None:
    """A signal that comes when its task is over reaches no other."""
    workers = ENGINES[name]().workers(work, 1)
    slow, quick = Task(0, tmp_path, "sleep"), Task(1, tmp_path)
    workers.submit(slow)
    wait_until(lambda: (tmp_path / "0").exists() and all(times_begun([slow])))
    workers.stop(slow)
    (done,) = workers.wait()
    assert done.death == "SIGTERM(-15)"
    workers.submit(quick)
    wait_until(lambda: (tmp_path / "1").exists())
    time.sleep(0.1)
    workers.stop(quick)
    (done,) = workers.wait()
    assert done.value == 10
    (last,) = run(workers, [Task(2, tmp_path)])
    assert last.value == 20
    workers.close()


def test_a_launcher_of_hydras_own_runs_all_jobs_of_a_batch_together(tmp_path: Path) -> None:
    launcher = Listing()
    workers = launcher_engine(launcher).workers(work, 2)
    run(workers, [Task(0, tmp_path, "x"), Task(1, tmp_path, "y"), Task(2, tmp_path, "z")])
    assert launcher.launched == [(0, "a"), (1, "x"), (2, "a"), (3, "y"), (4, "a"), (5, "z")]


def test_a_task_fails_with_the_job_that_failed_and_is_not_gone_on_with(tmp_path: Path) -> None:
    workers = launcher_engine().workers(work, 2)
    good, failed = run(workers, [Task(0, tmp_path), Task(1, tmp_path, "fail")])
    assert good.value == 0
    assert str(failed.error) == "second: RuntimeError: the pole broke"
    assert not (tmp_path / "1").exists()
