"""The conformance suite of all engines; add a new engine to `ENGINES`.

All tests of an engine share one set of workers and one cluster of its kind.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra_plugins.dqn_exp.launcher import ClusterLauncher, ParallelLauncher

from dqn_exp.workers.batches import engine_of
from dqn_exp.workers.engine import Done, Engine, Workers
from dqn_exp.workers.server import stop_server
from tests.program import alive, wait_until
from tests.workers.tasks import Task, work


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


def cluster_engine(kind: str, **options: Any) -> ClusterLauncher:
    """Nothing that trials need is imported for these tasks."""
    engine = ClusterLauncher(kind, retries=0, **options)
    engine.travel = replace(engine.travel, preload=False)
    return engine


def slurm_engine(place: Path) -> ClusterLauncher:
    options = {"executor": "local", "array_parallelism": 2, "partition": None, "parameters": {}}
    return cluster_engine("slurm", folder=str(place), timeout_min=10, **options)


Request = pytest.FixtureRequest
ENGINES: dict[str, Callable[[Request], Engine]] = {
    "parallel": lambda _: ParallelLauncher(n_jobs=2, retries=0),
    "launcher": lambda _: engine_of(Listing()),
    "dask": lambda request: cluster_engine("dask", address=request.getfixturevalue("dask_address"), n_jobs=1),
    "ray": lambda request: cluster_engine("ray", address=request.getfixturevalue("ray_address"), n_jobs=1),
    "slurm": lambda request: slurm_engine(request.getfixturevalue("tmp_path_factory").mktemp("slurm")),
}
OF_PROCESSES = [name for name in ENGINES if name != "launcher"]
"""Those that run tasks in processes of their own."""
CLUSTERS = ("dask", "ray", "slurm")
"""Run by `make slow`: their clients leave threads in this process, which the forks of other tests inherit."""


def for_each(names: Iterable[str]) -> pytest.MarkDecorator:
    """One after another, so that a cluster serves all of its tests."""
    params = [pytest.param(name, marks=pytest.mark.slow) if name in CLUSTERS else name for name in names]
    return pytest.mark.parametrize("name", params, indirect=True, scope="module")


every_engine, engines_of_processes = for_each(ENGINES), for_each(OF_PROCESSES)


@pytest.fixture(scope="module")
def name(request: Request) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def engine(name: str, request: Request) -> Engine:
    return ENGINES[name](request)


@pytest.fixture(scope="module", autouse=True)
def _server() -> Iterator[None]:
    """One for all: to begin with, it imports torch."""
    yield
    stop_server()


@pytest.fixture(scope="module")
def workers(engine: Engine) -> Iterator[Workers]:
    """Two of the engine."""
    workers = engine.workers(work, 2)
    yield workers
    workers.close()


def begin(workers: Workers, *tasks: Task) -> None:
    """Submit `tasks` and see that they have begun; all of them leave a file."""
    for task in tasks:
        workers.submit(task)
    assert list(workers.wait(0)) == []
    wait_until(
        lambda: all((task.folder / str(task.number)).exists() for task in tasks) and all(times_begun(tasks))
    )


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
def test_it_is_an_engine(name: str, engine: Engine) -> None:
    assert isinstance(engine, Engine)
    assert engine.can_prune is (name != "launcher")
    assert not isinstance(Listing(), Engine)
    if isinstance(engine, Launcher):
        assert engine_of(engine) is engine


@every_engine
def test_each_task_runs_once_and_gives_its_value(workers: Workers, tmp_path: Path) -> None:
    tasks = [Task(number, tmp_path) for number in range(3)]
    done = run(workers, tasks)
    assert [one.task for one in done] == tasks
    assert [one.value for one in done] == [0, 10, 20]
    assert times_begun(tasks) == [1] * 3
    assert not any(one.error or one.worker_died for one in done)


@every_engine
def test_an_exception_belongs_to_its_task(workers: Workers, tmp_path: Path) -> None:
    tasks = [Task(0, tmp_path), Task(1, tmp_path, "raise"), Task(2, tmp_path)]
    good, raised, other = run(workers, tasks)
    assert isinstance(raised.error, ValueError)
    assert (str(raised.error), raised.value, raised.worker_died) == ("number 1", None, False)
    assert (good.error, other.error) == (None, None)
    assert times_begun(tasks) == [1] * 3


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
    tasks = [Task(0, tmp_path), Task(1, tmp_path, "die"), Task(2, tmp_path)]
    done = run(workers, tasks)
    assert [one.death for one in done] == [None, "SIGKILL(-9)", None]
    assert [one.value for one in done] == [0, None, 20]
    assert times_begun(tasks) == [1] * 3


@every_engine
def test_what_was_stopped_gives_its_worker_back(workers: Workers, tmp_path: Path) -> None:
    stopped, other = Task(0, tmp_path, "sleep"), Task(1, tmp_path)
    workers.submit(stopped)
    workers.submit(other)
    workers.stop(stopped)
    done = [*run(workers, []), *run(workers, [Task(2, tmp_path)])]
    assert [one.value for one in done if one.task != stopped] == [10, 20]
    assert all(one.worker_died for one in done if one.task == stopped)


@engines_of_processes
def test_a_task_that_is_stopped_hears_of_it(workers: Workers, tmp_path: Path) -> None:
    """A signal that comes when its task is over reaches no other."""
    slow, quick = Task(0, tmp_path, "sleep"), Task(1, tmp_path)
    begin(workers, slow)
    workers.stop(slow)
    (done,) = workers.wait()
    assert done.death == "SIGTERM(-15)"
    begin(workers, quick)
    time.sleep(0.1)
    workers.stop(quick)
    (done,) = workers.wait()
    assert done.value == 10
    (last,) = run(workers, [Task(2, tmp_path)])
    assert last.value == 20


@engines_of_processes
def test_nobody_waits_for_a_batch(workers: Workers, tmp_path: Path) -> None:
    """Beside a task that takes long, others end and begin."""
    slow = Task(0, tmp_path, "sleep")
    workers.submit(slow)
    for number in (1, 2):
        workers.submit(Task(number, tmp_path))
        (done,) = workers.wait()
        assert (done.value, workers.running) == (10 * number, [slow])
    workers.stop(slow)
    run(workers, [])


@engines_of_processes
def test_killing_ends_the_processes(workers: Workers, tmp_path: Path) -> None:
    """The last one of an engine: its workers are closed."""
    tasks = [Task(0, tmp_path, "sleep"), Task(1, tmp_path, "sleep")]
    begin(workers, *tasks)
    pids = {int((tmp_path / str(task.number)).read_text()) for task in tasks}
    assert alive(pids) == pids
    workers.close(kill=True)
    wait_until(lambda: not alive(pids), seconds=10)


def test_a_launcher_of_hydras_own_runs_all_jobs_of_a_batch_together(tmp_path: Path) -> None:
    launcher = Listing()
    workers = engine_of(launcher).workers(work, 2)
    run(workers, [Task(0, tmp_path, "x"), Task(1, tmp_path, "y"), Task(2, tmp_path, "z")])
    assert launcher.launched == [(0, "a"), (1, "x"), (2, "a"), (3, "y"), (4, "a"), (5, "z")]


def test_a_task_fails_with_the_job_that_failed_and_is_not_gone_on_with(tmp_path: Path) -> None:
    workers = engine_of(Listing()).workers(work, 2)
    good, failed = run(workers, [Task(0, tmp_path), Task(1, tmp_path, "fail")])
    assert good.value == 0
    assert str(failed.error) == "second: RuntimeError: the pole broke"
    assert not (tmp_path / "1").exists()
