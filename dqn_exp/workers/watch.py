"""Detect running tasks that have made no step for too long."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from dqn_exp.runs import last_heartbeat


@runtime_checkable
class Watchable(Protocol):
    """A task whose progress can be seen in the directories of its trials."""

    @property
    def directories(self) -> Sequence[Path]: ...


class Watch:
    """Records when each task last made progress; `patience`: the most seconds without progress."""

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self._seen: WeakKeyDictionary[object, tuple[list[int | None], float]] = WeakKeyDictionary()

    def is_stuck(self, key: object, task: object) -> bool:
        """Whether `task` has made no progress for too long; call from its start on, with its own `key`."""
        if not isinstance(task, Watchable):
            return False
        now, shown = time.monotonic(), [last_heartbeat(directory) for directory in task.directories]
        if key not in self._seen or self._seen[key][0] != shown:
            self._seen[key] = shown, now
        return now - self._seen[key][1] >= self.patience
