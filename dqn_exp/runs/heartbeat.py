"""The heartbeat of a trial: its lock file is touched as long as the trial makes steps."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from dqn_exp.runs.lock import LOCK

SECONDS = 0.5
"""Seconds between two looks at a trial's progress. A thread looks, so steps cost no extra time."""


class Heartbeat:
    """Touches the lock file of `directory` every `SECONDS` if `progress()` has changed."""

    def __init__(self, directory: Path, progress: Callable[[], object]) -> None:
        self._path, self._progress, self._over = directory / LOCK, progress, Event()
        self._thread = Thread(target=self._beat, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        before = None
        while not self._over.wait(SECONDS):
            now = self._progress()
            if now != before:
                before = now
                with suppress(OSError):
                    os.utime(self._path)


def last_heartbeat(directory: Path) -> int | None:
    """When the trial in `directory` last showed progress, as a number for comparisons; None if never."""
    try:
        return (directory / LOCK).stat().st_mtime_ns
    except OSError:
        return None
