"""Detect which processes work on a study, by a lock that is released at death, and by a heartbeat.

On the same machine, the lock tells at once whether a process lives. From another machine only the heartbeat
can be seen: a process is dead if its beat has not changed while we watched it for `SILENCE` seconds. The
clocks of the machines do not matter.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import optuna

from dqn_exp.runs import directory_lock, is_locked

BEAT = 20.0
SILENCE = 6 * BEAT
PREFIX = "process:"
DIRECTORY = "processes"


class Presence:
    """Announces this process as working on `study`, and tells whether another process is alive."""

    def __init__(self, study: optuna.Study, directory: Path) -> None:
        self._study = study
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._own = (directory / DIRECTORY / self.name).absolute()
        self._seen: dict[str, tuple[object, float]] = {}

    @contextlib.contextmanager
    def announced(self) -> Iterator[None]:
        """Hold this process's lock and write its heartbeat inside the context."""
        self._own.mkdir(parents=True)
        over = threading.Event()
        beating = threading.Thread(target=self._beat, args=(over,), daemon=True)
        with directory_lock(self._own):
            self._write_beat(0)
            beating.start()
            try:
                yield
            finally:
                over.set()
                beating.join()
                shutil.rmtree(self._own)

    def is_alive(self, name: str) -> bool:
        entry = self._study.user_attrs.get(PREFIX + name, {})
        own = Path(entry.get("lock", ""))
        if entry.get("machine") == machine() and own.parent.is_dir():
            return is_locked(own)
        return not self.is_silent(name, entry.get("beat"), SILENCE)

    def is_silent(self, name: str, sign: object, seconds: float) -> bool:
        """Whether the `sign` of `name` has not changed in all calls for at least `seconds`."""
        last, since = self._seen.get(name, (None, 0.0))
        if name not in self._seen or last != sign:
            self._seen[name] = (sign, time.monotonic())
            return False
        return time.monotonic() - since >= seconds

    def _beat(self, over: threading.Event) -> None:
        beat = 0
        while not over.wait(BEAT):
            beat += 1
            with contextlib.suppress(Exception):  # the database may be restarting; the next beat follows
                self._write_beat(beat)

    def _write_beat(self, beat: int) -> None:
        entry = {"machine": machine(), "lock": str(self._own), "beat": beat}
        self._study.set_user_attr(PREFIX + self.name, entry)


@functools.cache
def machine() -> str:
    """An identifier of this machine and its latest boot; locks survive neither."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return f"{socket.gethostname()} {boot.read_text().strip() if boot.exists() else ''}"
