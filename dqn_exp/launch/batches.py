"""Use another launcher of Hydra's as an engine: tasks are collected and launched together as Hydra jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hydra.core.utils import JobStatus
from hydra.plugins.launcher import Launcher

from dqn_exp.borrowed import error_of
from dqn_exp.launch.engine import Done
from dqn_exp.launch.launcher import TrialFailed
from dqn_exp.launch.pool import count_workers

Jobs = Callable[[Any], Mapping[str, list[str]]]
"""Maps a task to its Hydra jobs: the overrides of each job, by job name."""


class LauncherEngine:
    """Runs the `jobs` of each task by `launcher`, then applies the task's function in this process."""

    can_prune = False
    shares_files = True
    retries = 0

    def __init__(self, launcher: Launcher, jobs: Jobs) -> None:
        self._launcher, self._jobs = launcher, jobs

    def reach(self) -> None:
        """Do nothing: the launcher connects to its machines itself."""

    def at_a_time(self, n_jobs: int | None = None) -> None:
        """None: unknown, because the launcher may use other machines."""

    def workers(self, function: Callable[[Any], Any], n_jobs: int | None = None) -> Batches:
        """Workers that run batches of `n_jobs` tasks; None means one per core."""
        return Batches(self._launcher, self._jobs, function, n_jobs or count_workers(-1))


class Batches:
    """Collects up to `size` tasks; `wait` launches the collected tasks."""

    def __init__(self, launcher: Launcher, jobs: Jobs, function: Callable[[Any], Any], size: int) -> None:
        self._launcher, self._jobs, self._function, self._size = launcher, jobs, function, size
        self._collected: list[Any] = []
        self._launched = 0

    @property
    def running(self) -> list[Any]:
        return list(self._collected)

    @property
    def idle_workers(self) -> int:
        return self._size - len(self._collected)

    def submit(self, task: Any) -> None:
        self._collected.append(task)

    def stop(self, task: Any) -> None:
        self._collected.remove(task)

    def wait(self, timeout: float | None = None) -> Iterator[Done]:
        """Run the collected tasks. `timeout` is ignored: launchers return only when all jobs are over."""
        batch, self._collected = self._collected, []
        named = [self._jobs(task) for task in batch]
        overrides = [job for jobs in named for job in jobs.values()]
        results = iter(self._launcher.launch(overrides, initial_job_idx=self._launched) if overrides else ())
        self._launched += len(overrides)
        for task, jobs in zip(batch, named, strict=True):
            yield self._done(task, {name: next(results) for name in jobs})

    def close(self, kill: bool = False) -> None:
        self._collected.clear()

    def _done(self, task: Any, results: Mapping[str, Any]) -> Done:
        for name, result in results.items():
            if result.status is not JobStatus.COMPLETED:
                error = error_of(result)
                return Done(task, error=TrialFailed(name, f"{type(error).__name__}: {error}"))
        try:
            return Done(task, self._function(task))
        except Exception as error:
            return Done(task, error=error)
