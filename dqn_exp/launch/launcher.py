"""Run planned trials on an engine, with retries, progress and the causes of failures."""

from __future__ import annotations

import gc
import pickle
from collections import Counter, deque
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus
from hydra.types import HydraContext
from joblib.externals.loky.backend.reduction import dumps
from omegaconf import DictConfig

from dqn_exp.borrowed import error_of
from dqn_exp.launch.engine import Done, Engine
from dqn_exp.launch.garbage import garbage_uncollected
from dqn_exp.launch.job import run_job
from dqn_exp.launch.plan import PlannedTrial, Planner, set_directory, unpack
from dqn_exp.launch.progress import Progress
from dqn_exp.launch.shards import refuse_shard
from dqn_exp.runs import FINISHED, Result, check_owner, is_locked, now, provenance, read_result, write_json

NOT_IN_JOBS = "hydra/sweeper=basic runs all trials that it makes; allowed: with hydra/sweeper=grid"


class TrialFailed(RuntimeError):
    """A trial raised an exception, or its process died too often; the sweep continued."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(name, cause)
        self.name, self.cause = name, cause

    def __str__(self) -> str:
        return f"{self.name}: {self.cause}"


@dataclass(frozen=True)
class Job:
    """Everything that a worker needs to run one trial."""

    name: str
    sweep: Path
    place: str
    """The path of its directory below `sweep`: its name, unless it was moved."""
    packed: bytes
    """The composed configuration, compressed, because thousands of jobs may wait at the same time."""
    session: bytes
    imports: Sequence[str] = ()
    needs_gpu: bool = False

    @property
    def directory(self) -> Path:
        return self.sweep / self.place

    @property
    def directories(self) -> list[Path]:
        return [self.directory]

    @property
    def config(self) -> DictConfig:
        """A new copy of the composed configuration, with the `hydra` node and the trial's directory."""
        with garbage_uncollected():
            return set_directory(unpack(self.packed), self.sweep, self.place)

    def moved(self, folder: Path) -> Job:
        """The same job with its directory below `folder`."""
        return replace(self, sweep=folder, place=self.directory.name)


@dataclass(frozen=True)
class Session:
    """The state that all trials of one launch share; restored once in each worker."""

    context: HydraContext
    singletons: dict[Any, Any]
    provenance: dict[str, Any]


def launch(
    engine: Engine,
    context: HydraContext,
    master: DictConfig,
    overrides: Sequence[Sequence[str]],
    first_index: int,
) -> list[JobReturn]:
    """Implements Hydra's launcher interface on `engine`: run all jobs, return their results in order."""
    refuse_shard(master, NOT_IN_JOBS)
    trials = planner(context, master).plan(overrides, first_index)
    jobs = make_jobs(context, trials, Path(trials[0].sweep_dir) if trials else Path())
    with Crew(engine) as crew:
        return crew.run(jobs)


def make_jobs(context: HydraContext, trials: Sequence[PlannedTrial], sweep: Path) -> list[Job]:
    """The jobs for these trials below `sweep`; raises ConfigError if other trials are there."""
    gc.collect()
    gc.freeze()  # the trials are kept to the end, so the garbage collector may skip them
    refuse_foreign_trials(sweep, trials)
    session = pack_session(context)
    return [
        Job(
            trial.name,
            sweep,
            trial.name,
            trial.packed,
            session,
            trial.config.imports,
            needs_gpu=trial.config.device == "cuda",
        )
        for trial in trials
    ]


_planners: dict[ConfigLoader, Planner] = {}


def planner(context: HydraContext, master: DictConfig) -> Planner:
    """The planner of this Hydra invocation; sweeper and launcher share the configurations it has composed."""
    loader = context.config_loader
    if loader not in _planners:
        _planners.clear()  # planners of earlier invocations in this process
        _planners[loader] = Planner(loader, master)
    return _planners[loader]


def refuse_foreign_trials(sweep: Path, trials: Sequence[PlannedTrial]) -> None:
    """Raise ConfigError if a trial's directory holds a trial of another configuration."""
    for trial in trials:
        check_owner(trial.config, sweep / trial.name)


def pack_session(context: HydraContext) -> bytes:
    HydraConfig.instance().cfg = None  # every trial sets its own
    session = Session(context, Singleton.get_state(), provenance.environment())
    packed: bytes = bytes(dumps(session))
    return packed


@cache
def restore_session(packed: bytes) -> Session:
    """Runs in a worker process: restore the driver's state of Hydra."""
    session: Session = pickle.loads(packed)
    Singleton.set_state(session.singletons)
    return session


class Crew:
    """Runs the trials of a sweep on an engine's workers, with retries, progress and causes of failures."""

    def __init__(self, engine: Engine) -> None:
        self._workers, self._retries = engine.workers(run_in_worker), engine.retries
        self._deaths = Counter[str]()
        self._results: dict[str, JobReturn] = {}
        self._stopped: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._workers.close(kill=error is not None or bool(self._workers.running))

    def run(self, jobs: Sequence[Job], ahead: Iterable[Job] = ()) -> list[JobReturn]:
        """Run all `jobs` and return their results.

        While the last of them run, idle workers run jobs of `ahead`, which continue when this returns. The
        next call keeps those that are among its jobs and stops the others. A job that loses its worker is
        retried with the same seed, `engine.retries` times.
        """
        wanted = {job.name: job for job in jobs}
        if not wanted:
            return []
        self._stop_all_but(wanted)
        running = {job.name for job in self._workers.running}
        waiting = deque(job for job in jobs if job.name not in running | self._results.keys())
        later = iter(ahead)
        with Progress(jobs[0].sweep, len(jobs)) as progress:
            for early in filter(lambda job: job.name in self._results, jobs):
                self._tell(early, progress)
            while not wanted.keys() <= self._results.keys():
                while self._workers.idle_workers and (job := _next(waiting, later)):
                    self._workers.submit(job)
                self._show(wanted, progress)
                for done in self._workers.wait():
                    if self._is_over(done, progress):
                        if done.task.name in wanted:
                            self._tell(done.task, progress)
                    else:
                        waiting.appendleft(done.task)
        return [self._results[name] for name in wanted]

    def _is_over(self, done: Done, progress: Progress) -> bool:
        """Store the result of a job; False if the job has to be retried."""
        job: Job = done.task
        if job.name in self._stopped:
            return True
        self._deaths[job.name] += done.worker_died
        if done.worker_died and self._deaths[job.name] <= self._retries:
            progress.note(f"{job.name}: its process died ({done.death}); trying again")
            return False
        self._results[job.name] = job_return(done, self._deaths[job.name])
        return True

    def _tell(self, job: Job, progress: Progress) -> None:
        progress.finished(job.directory, failure_of(self._results[job.name]))

    def _show(self, wanted: Container[str], progress: Progress) -> None:
        running = [job for job in self._workers.running if job.name not in self._stopped]
        progress.running(
            [job.directory for job in running if job.name in wanted],
            [job.directory for job in running if job.name not in wanted],
        )

    def _stop_all_but(self, wanted: Container[str]) -> None:
        for job in self._workers.running:
            if job.name not in wanted:
                self._stopped.add(job.name)
                self._workers.stop(job)


def _next(waiting: deque[Job], later: Iterator[Job]) -> Job | None:
    return waiting.popleft() if waiting else next(later, None)


def run_in_worker(job: Job) -> JobReturn:
    """Runs in a worker process: run one trial."""
    from dqn_exp.launch.task import run_task, set_provenance

    session = restore_session(job.session)
    set_provenance(provenance.on_this_machine(session.provenance))
    result = run_job(session.context, run_task, job.config)
    if result.status is JobStatus.FAILED:
        error = error_of(result)
        raise TrialFailed(job.name, f"{type(error).__name__}: {error}")
    return result


def job_return(done: Done, n_deaths: int) -> JobReturn:
    """The result of a job; a failure is also written to the job's directory."""
    if done.error is None:
        result: JobReturn = done.value
        return result
    job: Job = done.task
    cause = f"{type(done.error).__name__}: {done.error}"
    if done.worker_died:
        guess = "" if done.stuck else ": killed, or out of memory"
        cause = f"its process died {n_deaths} times ({done.death}){guess}"
    elif isinstance(done.error, TrialFailed):
        cause = done.error.cause
    record_failure(job.directory, cause)
    result = JobReturn(overrides=list(job.config.hydra.overrides.task), status=JobStatus.FAILED)
    result.return_value = TrialFailed(job.name, cause)
    return result


def failure_of(result: JobReturn) -> str | None:
    error = error_of(result) if result.status is JobStatus.FAILED else None
    return error.cause if isinstance(error, TrialFailed) else None


def record_failure(directory: Path, cause: str) -> None:
    """Record a failure that the trial's process could not record itself."""
    directory.mkdir(parents=True, exist_ok=True)
    result = read_result(directory) or Result()
    if result.status not in FINISHED and not is_locked(directory):
        failed = replace(result, status="failed", cause=cause, ended=now())
        with suppress(OSError):  # a full disk; the failure is shown on the screen
            write_json(directory / "result.json", asdict(failed))
