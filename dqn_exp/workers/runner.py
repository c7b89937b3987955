"""Run planned trials on the workers of an engine."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from hydra.core.utils import JobReturn
from hydra.types import HydraContext

from dqn_exp.plan import PlannedTrial
from dqn_exp.runs import check_owner
from dqn_exp.workers.engine import Done, Engine, RunTrials, Workers
from dqn_exp.workers.failures import failure_of, job_return
from dqn_exp.workers.progress import Progress
from dqn_exp.workers.worker import Job, make_jobs, run_in_worker


@contextmanager
def running_on_workers(
    engine: Engine, context: HydraContext, trials: Sequence[PlannedTrial], sweep: Path
) -> Iterator[RunTrials]:
    """Implements `Engine.running` by `engine.workers`."""
    refuse_foreign_trials(sweep, trials)
    jobs = make_jobs(context, trials, sweep)
    with TrialRunner(engine.workers(run_in_worker), engine.retries) as runner:
        yield lambda now, ahead=(): runner.run(
            [jobs[trial.name] for trial in now], (jobs[trial.name] for trial in ahead)
        )


def refuse_foreign_trials(sweep: Path, trials: Sequence[PlannedTrial]) -> None:
    """Raise ConfigError if a trial's directory holds a trial of another configuration."""
    for trial in trials:
        check_owner(trial.config, sweep / trial.name)


class TrialRunner:
    """Keeps workers busy with trials: starts, retries and stops them, and shows their progress."""

    def __init__(self, workers: Workers, retries: int) -> None:
        """`workers` apply `run_in_worker`; a trial that loses its worker is retried `retries` times."""
        self._workers, self._retries = workers, retries
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
        retried with the same seed.
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
