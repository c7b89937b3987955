"""The results of trials that failed, and why: what a worker could not record itself is recorded here."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus

from dqn_exp.borrowed import error_of
from dqn_exp.runs import RESULT, Result, is_locked, now, read_result, write_json
from dqn_exp.statuses import FINISHED
from dqn_exp.workers.engine import Done
from dqn_exp.workers.worker import Job, TrialFailed


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
            write_json(directory / RESULT, asdict(failed))
