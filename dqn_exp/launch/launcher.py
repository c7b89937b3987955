"""Running planned trials on an engine: retries, progress, and who is to blame."""

from __future__ import annotations

import gc
import pickle
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

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
from dqn_exp.launch.plan import PlannedTrial, Planner
from dqn_exp.launch.progress import Progress
from dqn_exp.runs import FINISHED, Result, check_owner, is_locked, now, provenance, read_result, write_json


class TrialFailed(RuntimeError):
    """A trial ended in an exception, or its process died too often; the sweep went on."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(name, cause)
        self.name, self.cause = name, cause

    def __str__(self) -> str:
        return f"{self.name}: {self.cause}"


@dataclass(frozen=True)
class Job:
    """What a worker needs to run one trial."""

    name: str
    directory: Path
    config: DictConfig
    session: bytes

    @property
    def directories(self) -> list[Path]:
        return [self.directory]

    def __reduce__(self) -> tuple[Any, ...]:
        """By the standard library's pickle, which takes half of the time of loky's."""
        return unpack_job, (pickle.dumps((self.name, self.directory, self.config, self.session)),)


def unpack_job(packed: bytes) -> Job:
    with garbage_uncollected():
        return Job(*pickle.loads(packed))


@dataclass(frozen=True)
class Session:
    """What all trials of one launch share; restored once in each worker."""

    context: HydraContext
    singletons: dict[Any, Any]
    provenance: dict[str, Any]


def launch(
    engine: Engine,
    context: HydraContext,
    master: DictConfig,
    overrides: Sequence[Sequence[str]],
    first_index: int,
    retries: int,
) -> list[JobReturn]:
    """Hydra's launcher contract on `engine`: run all jobs, return their results in order."""
    trials = planner(context, master).plan(overrides, first_index)
    gc.freeze()  # the trials are kept to the end: no garbage need be looked for among them
    sweep = Path(trials[0].hydra_config.hydra.sweep.dir) if trials else Path()
    refuse_foreign_trials(sweep, trials)
    session = pack_session(context)
    jobs = [Job(trial.name, sweep / trial.name, trial.hydra_config, session) for trial in trials]
    with Progress(sweep, len(jobs)) as progress:
        results = run_jobs(jobs, engine, retries, progress)
    return [results[job.name] for job in jobs]


_planners: dict[ConfigLoader, Planner] = {}


def planner(context: HydraContext, master: DictConfig) -> Planner:
    """The planner of this Hydra invocation: sweeper and launcher share what it has composed."""
    loader = context.config_loader
    if loader not in _planners:
        _planners[loader] = Planner(loader, master)
    return _planners[loader]


def refuse_foreign_trials(sweep: Path, trials: Sequence[PlannedTrial]) -> None:
    """Raise ConfigError where a trial's directory holds one of another configuration."""
    for trial in trials:
        check_owner(trial.config, sweep / trial.name)


def pack_session(context: HydraContext) -> bytes:
    HydraConfig.instance().cfg = None  # every trial sets its own
    session = Session(context, Singleton.get_state(), provenance.environment())
    packed: bytes = bytes(dumps(session))
    return packed


@cache
def restore_session(packed: bytes) -> Session:
    """Executed in a worker process: Hydra's global state as it is in the driver."""
    session: Session = pickle.loads(packed)
    Singleton.set_state(session.singletons)
    return session


def run_jobs(jobs: Sequence[Job], engine: Engine, retries: int, progress: Progress) -> dict[str, JobReturn]:
    """Run `jobs`; one that loses its worker is tried again with the same seed, `retries` times."""
    waiting, results, deaths = deque(jobs), {}, Counter[str]()
    workers = engine.workers(run_in_worker)
    finished = False
    try:
        while waiting or workers.running:
            while waiting and workers.idle_workers:
                workers.submit(waiting.popleft())
            progress.running([job.directory for job in workers.running])
            for done in workers.wait():
                job: Job = done.task
                deaths[job.name] += done.worker_died
                if done.worker_died and deaths[job.name] <= retries:
                    progress.note(f"{job.name}: its process died ({done.death}); trying again")
                    waiting.appendleft(job)
                else:
                    results[job.name] = job_return(done, deaths[job.name])
                    progress.finished(job.directory, failure_of(results[job.name]))
        finished = True
    finally:
        workers.close(kill=not finished)
    return results


def run_in_worker(job: Job) -> JobReturn:
    """Executed in a worker process."""
    from dqn_exp.launch.task import run_task, set_provenance

    session = restore_session(job.session)
    set_provenance(session.provenance)
    result = run_job(session.context, run_task, job.config)
    if result.status is JobStatus.FAILED:
        error = error_of(result)
        raise TrialFailed(job.name, f"{type(error).__name__}: {error}")
    return result


def job_return(done: Done, n_deaths: int) -> JobReturn:
    """The result of a job, with the failure that it ended in written to its directory."""
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
    """Write the end that the trial's process could not write itself."""
    directory.mkdir(parents=True, exist_ok=True)
    result = read_result(directory) or Result()
    if result.status not in FINISHED and not is_locked(directory):
        failed = replace(result, status="failed", cause=cause, ended=now())
        with suppress(OSError):  # a full disk, of which the screen tells
            write_json(directory / "result.json", asdict(failed))
