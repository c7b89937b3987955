"""Use another launcher of Hydra's as an engine: tasks are collected and launched together as Hydra jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from hydra.core.utils import JobStatus
from hydra.plugins.launcher import Launcher

from dqn_exp.borrowed import error_of
from dqn_exp.plan import PlannedTrial, with_directory
from dqn_exp.workers.engine import Done, Engine, RunTrials
from dqn_exp.workers.pool import count_workers
from dqn_exp.workers.worker import TrialFailed


class HydraTask(Protocol):
    """A task that any launcher of Hydra's can run."""

    @property
    def hydra_jobs(self) -> Mapping[str, list[str]]:
        """The overrides of each of its Hydra jobs, by job name."""


def engine_of(launcher: Launcher) -> Engine:
    """The engine that `launcher` is, or one that launches Hydra jobs by it."""
    return launcher if isinstance(launcher, Engine) else LauncherEngine(launcher)


class LauncherEngine:
    """Runs the Hydra jobs of each task by `launcher`, then applies the task's function in this process."""

    can_prune = False
    shares_files = True
    trains_here = True
    retries = 0

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher

    def reach(self) -> None:
        """Do nothing: the launcher connects to its machines itself."""

    def at_a_time(self, n_jobs: int | None = None) -> None:
        """None: unknown, because the launcher may use other machines."""

    def workers(self, function: Callable[[Any], Any], n_jobs: int | None = None) -> Batches:
        """Workers that run batches of `n_jobs` tasks; None means one per core."""
        return Batches(self._launcher, function, n_jobs or count_workers(-1))

    @contextmanager
    def running(self, trials: Sequence[PlannedTrial], directory: Path) -> Iterator[RunTrials]:
        """A function that launches all trials together; it runs none ahead."""
        jobs = {trial.name: with_directory(trial.overrides, directory, trial.name) for trial in trials}
        yield lambda now, ahead=(): list(
            self._launcher.launch([jobs[trial.name] for trial in now], initial_job_idx=0)
        )


class Batches:
    """Collects up to `size` tasks; `wait` launches the collected tasks."""

    def __init__(self, launcher: Launcher, function: Callable[[Any], Any], size: int) -> None:
        self._launcher, self._function, self._size = launcher, function, size
        self._collected: list[HydraTask] = []
        self._launched = 0

    @property
    def running(self) -> list[Any]:
        return list(self._collected)

    @property
    def idle_workers(self) -> int:
        return self._size - len(self._collected)

    def submit(self, task: HydraTask) -> None:
        self._collected.append(task)

    def stop(self, task: HydraTask) -> None:
        self._collected.remove(task)

    def wait(self, timeout: float | None = None) -> Iterator[Done]:
        """Run the collected tasks. `timeout` is ignored: launchers return only when all jobs are over."""
        batch, self._collected = self._collected, []
        named = [task.hydra_jobs for task in batch]
        overrides = [job for jobs in named for job in jobs.values()]
        results = iter(self._launcher.launch(overrides, initial_job_idx=self._launched) if overrides else ())
        self._launched += len(overrides)
        for task, jobs in zip(batch, named, strict=True):
            yield self._done(task, {name: next(results) for name in jobs})

    def close(self, kill: bool = False) -> None:
        self._collected.clear()

    def _done(self, task: HydraTask, results: Mapping[str, Any]) -> Done:
        for name, result in results.items():
            if result.status is not JobStatus.COMPLETED:
                error = error_of(result)
                return Done(task, error=TrialFailed(name, f"{type(error).__name__}: {error}"))
        try:
            return Done(task, self._function(task))
        except Exception as error:
            return Done(task, error=error)
