"""Running planned trials in parallel processes: retries, progress, and who is to blame."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, run_job
from hydra.types import HydraContext
from omegaconf import DictConfig, open_dict

from dqn_exp.launch.plan import PlannedTrial, Planner
from dqn_exp.launch.pool import Done, Pool, count_workers
from dqn_exp.launch.progress import Progress
from dqn_exp.runs import provenance
from dqn_exp.runs.files import write_json
from dqn_exp.runs.provenance import now

log = logging.getLogger(__name__)


class TrialFailed(RuntimeError):
    """A trial ended in an exception, or its process died too often; the sweep went on."""


@dataclass(frozen=True)
class Job:
    """What a worker needs to run one trial."""

    name: str
    directory: Path
    config: DictConfig
    context: HydraContext
    singletons: dict[Any, Any]
    provenance: dict[str, Any]


def launch(
    context: HydraContext,
    master: DictConfig,
    overrides: Sequence[Sequence[str]],
    first_index: int,
    n_jobs: int,
    retries: int,
) -> list[JobReturn]:
    """Hydra's launcher contract: run all jobs, return their results in order."""
    trials = planner(context, master).plan(overrides)
    jobs = [make_job(trial, index, context) for index, trial in enumerate(trials, start=first_index)]
    sweep = Path(master.hydra.sweep.dir)
    with Progress(sweep, len(jobs)) as progress:
        results = run_jobs(jobs, min(count_workers(n_jobs), len(jobs)), retries, progress)
    return [results[job.name] for job in jobs]


_planners: dict[int, Planner] = {}


def planner(context: HydraContext, master: DictConfig) -> Planner:
    """The planner of this Hydra invocation: sweeper and launcher share what it has composed."""
    return _planners.setdefault(id(context), Planner(context.config_loader, master))


def make_job(trial: PlannedTrial, index: int, context: HydraContext) -> Job:
    config = trial.hydra_config
    with open_dict(config):
        config.hydra.job.num = index
    HydraConfig.instance().set_config(config)
    directory = Path(config.hydra.sweep.dir) / str(config.hydra.sweep.subdir)
    return Job(
        trial.name,
        directory,
        config,
        context,
        Singleton.get_state(),
        provenance.environment(),
    )


def run_jobs(jobs: Sequence[Job], n_workers: int, retries: int, progress: Progress) -> dict[str, JobReturn]:
    """Run `jobs`; one that loses its process is tried again with the same seed, `retries` times."""
    waiting, results, deaths = deque(jobs), {}, Counter[str]()
    pool = Pool(n_workers, run_in_worker)
    finished = False
    try:
        while waiting or pool.running:
            while waiting and pool.idle_workers:
                pool.submit(waiting.popleft())
            progress.running([job.directory for job in pool.running])
            for done in pool.wait(timeout=progress.refresh_seconds):
                job: Job = done.task
                deaths[job.name] += done.worker_died
                if done.worker_died and deaths[job.name] <= retries:
                    progress.note(f"{job.name}: its process died; trying again")
                    waiting.appendleft(job)
                else:
                    results[job.name] = job_return(done)
                    progress.finished(job.directory)
        finished = True
    finally:
        pool.close(kill=not finished)
    return results


def run_in_worker(job: Job) -> JobReturn:
    """Executed in a worker process."""
    from dqn_exp.launch.task import run_task, set_provenance

    Singleton.set_state(job.singletons)
    set_provenance(job.provenance)
    result = run_job(
        hydra_context=job.context,
        task_function=run_task,
        config=job.config,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
    )
    if result.status is JobStatus.FAILED:
        error = result._return_value
        raise TrialFailed(f"{type(error).__name__}: {error}")
    return result


def job_return(done: Done) -> JobReturn:
    """The result of a job, with the failure that it ended in written to its directory."""
    if done.error is None:
        result: JobReturn = done.value
        return result
    job: Job = done.task
    failure = done.error
    if done.worker_died:
        failure = TrialFailed("its process died (killed, or out of memory) each time it was tried")
        record_failure(job.directory, str(failure))
    result = JobReturn(overrides=list(job.config.hydra.overrides.task), status=JobStatus.FAILED)
    result.return_value = failure
    return result


def record_failure(directory: Path, cause: str) -> None:
    """Write the end that a dead process could not write itself."""
    from dqn_exp.runs.record import Result

    directory.mkdir(parents=True, exist_ok=True)
    write_json(directory / "result.json", asdict(Result("failed", cause, ended=now())))
