"""Engines: what runs tasks. Another kind of engine is another file that offers the same.

`tests/launch/test_engines.py` holds what every engine promises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True)
class Done:
    """One task that is over: its value, or the exception that it raised."""

    task: Any
    value: Any = None
    error: BaseException | None = None
    death: str | None = None
    """How the task's worker died, such as "SIGKILL(-9)"; None where it did not."""
    stuck: bool = False
    """Was it killed because the task made no step for too long?"""

    @property
    def worker_died(self) -> bool:
        return self.death is not None


class Workers(Protocol):
    """Workers that run one task each; tasks may be added at any time."""

    @property
    def running(self) -> list[Any]:
        """The tasks that have been submitted and are not over."""

    @property
    def idle_workers(self) -> int:
        """How many tasks may be submitted now; workers may come and go.

        Where nothing is running there is one at least.
        """

    def submit(self, task: Any) -> None:
        """Give `task` to an idle worker; there must be one."""

    def stop(self, task: Any) -> None:
        """End `task`, which has been submitted; `wait` may still tell of it, by a value or a dead worker."""

    def wait(self, timeout: float | None = None) -> Iterator[Done]:
        """The tasks that end within `timeout` seconds, once at least one has; none where a worker has joined.

        A worker that dies costs the task that it ran, and no other.
        """

    def close(self, kill: bool = False) -> None:
        """End the workers: when their tasks are over, or (kill=True) at once."""


@runtime_checkable
class Engine(Protocol):
    """Makes workers."""

    can_prune: bool
    """Do its tasks reach the storage of a study while they run?"""
    shares_files: bool
    """Do its tasks see the files of this machine?"""
    retries: int
    """How often a trial of a sweep is begun again that has lost its worker."""

    def reach(self) -> None:
        """Connect to the machines that it needs before anything is written; raises ConfigError."""

    def at_a_time(self, n_jobs: int | None = None) -> int | None:
        """How many tasks `workers(..., n_jobs)` run at a time on this machine; None where it cannot tell."""

    def workers(self, function: Callable[[Any], Any], n_jobs: int | None = None) -> Workers:
        """Workers that apply `function` to each task; `n_jobs` of them, None for the engine's own number."""
