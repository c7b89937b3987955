"""Which running tasks have made no step for too long?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from dqn_exp.runs import last_heartbeat


@runtime_checkable
class Watchable(Protocol):
    """A task that shows its progress by the trials in its directories."""

    @property
    def directories(self) -> Sequence[Path]: ...


class Watch:
    """Knows since when each task has shown nothing; `patience`: seconds that are too long."""

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self._seen: WeakKeyDictionary[object, tuple[list[int | None], float]] = WeakKeyDictionary()

    def is_stuck(self, key: object, task: object) -> bool:
        """Has `task` shown nothing for too long? To be asked from its start on, under a `key` of its own."""
        if not isinstance(task, Watchable):
            return False
        now, shown = time.monotonic(), [last_heartbeat(directory) for directory in task.directories]
        if key not in self._seen or self._seen[key][0] != shown:
            self._seen[key] = shown, now
        return now - self._seen[key][1] >= self.patience
