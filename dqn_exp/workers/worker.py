"""A planned trial as a task for a worker, and how the worker runs it."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus
from hydra.types import HydraContext
from omegaconf import DictConfig

from dqn_exp.borrowed import error_of
from dqn_exp.garbage import garbage_uncollected
from dqn_exp.plan import PlannedTrial, set_directory, unpack
from dqn_exp.runs import provenance
from dqn_exp.workers.job import run_job
from dqn_exp.workers.session import pack_session, restore_session


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


def make_jobs(context: HydraContext, trials: Sequence[PlannedTrial], sweep: Path) -> dict[str, Job]:
    """The jobs for these trials below `sweep`, by name."""
    gc.collect()
    gc.freeze()  # the trials are kept to the end, so the garbage collector may skip them
    session = pack_session(context)
    return {
        trial.name: Job(
            trial.name,
            sweep,
            trial.name,
            trial.packed,
            session,
            trial.config.imports,
            needs_gpu=trial.config.device == "cuda",
        )
        for trial in trials
    }


def run_in_worker(job: Job) -> JobReturn:
    """Runs in a worker process: run one trial."""
    from dqn_exp.workers.task import run_task, set_provenance

    session = restore_session(job.session)
    set_provenance(provenance.on_this_machine(session.provenance))
    result = run_job(session.context, run_task, job.config)
    if result.status is JobStatus.FAILED:
        error = error_of(result)
        raise TrialFailed(job.name, f"{type(error).__name__}: {error}")
    return result
