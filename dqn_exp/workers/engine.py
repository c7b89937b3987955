"""The interfaces of engines, which run tasks. A new kind of engine is a new file with these interfaces.

`tests/workers/test_engines.py` tests what every engine must do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:  # processes of tasks import this module, but need no plan
    from hydra.core.utils import JobReturn

    from dqn_exp.plan import PlannedTrial


@dataclass(frozen=True)
class Done:
    """A finished task: its value, or the exception that it raised."""

    task: Any
    value: Any = None
    error: BaseException | None = None
    death: str | None = None
    """How the task's worker died, such as "SIGKILL(-9)"; None if it did not die."""
    stuck: bool = False
    """Whether the worker was killed because the task made no step for too long."""

    @property
    def worker_died(self) -> bool:
        return self.death is not None


class Workers(Protocol):
    """Workers that run one task each; tasks may be submitted at any time."""

    @property
    def running(self) -> list[Any]:
        """The submitted tasks that are not over."""

    @property
    def idle_workers(self) -> int:
        """The number of tasks that may be submitted now; workers may come and go.

        At least 1 if nothing is running.
        """

    def submit(self, task: Any) -> None:
        """Give `task` to an idle worker, which must exist."""

    def stop(self, task: Any) -> None:
        """End the submitted `task`; `wait` may still yield it, with a value or a dead worker."""

    def wait(self, timeout: float | None = None) -> Iterator[Done]:
        """Wait until at least one task ends, and yield the finished tasks.

        Yields nothing if no task ends within `timeout` seconds, or if a worker has joined. A worker that dies
        costs only the task that it ran.
        """

    def close(self, kill: bool = False) -> None:
        """End the workers when their tasks are over, or at once with kill=True."""


class RunTrials(Protocol):
    """Runs trials."""

    def __call__(
        self, trials: Sequence[PlannedTrial], ahead: Iterable[PlannedTrial] = (), /
    ) -> list[JobReturn]:
        """Run all `trials` and return their results in order.

        While the last of them run, idle workers may run trials drawn from `ahead`.
        """


@runtime_checkable
class Engine(Protocol):
    """Creates workers, and runs trials."""

    can_prune: bool
    """Whether its tasks can access the storage of a study while they run."""
    shares_files: bool
    """Whether its tasks see the files of this machine."""
    trains_here: bool
    """Whether its tasks run on this machine, so that its devices can be checked."""
    retries: int
    """How often a trial of a sweep is retried after it has lost its worker."""

    def reach(self) -> None:
        """Connect to the machines before anything is written; raises ConfigError if that fails."""

    def at_a_time(self, n_jobs: int | None = None) -> int | None:
        """How many tasks `workers(..., n_jobs)` run at a time on this machine; None if unknown."""

    def workers(self, function: Callable[[Any], Any], n_jobs: int | None = None) -> Workers:
        """`n_jobs` workers that apply `function` to each task; None means the engine's own number."""

    def running(self, trials: Sequence[PlannedTrial], directory: Path) -> AbstractContextManager[RunTrials]:
        """A function that runs any of these `trials` below `directory`, until the context is left."""
