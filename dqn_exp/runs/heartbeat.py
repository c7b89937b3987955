"""A sign of life for those who wait for a trial: its lock file is touched while it makes steps."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from dqn_exp.runs.lock import LOCK

SECONDS = 0.5
"""From one look at a trial's progress to the next: nothing is added to its steps."""


class Heartbeat:
    """Touches the lock file of `directory` every so often, if `progress()` has changed since."""

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
    """When the trial in `directory` last showed that it makes steps, in a number to compare; None: never."""
    try:
        return (directory / LOCK).stat().st_mtime_ns
    except OSError:
        return None
