"""One process at a time in a directory: an advisory lock that dies with its holder."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

LOCK = "lock"


class Locked(RuntimeError):
    """Another process works in this directory."""


@contextlib.contextmanager
def directory_lock(directory: Path) -> Iterator[None]:
    """Hold `directory` for this process; raises Locked at once where another one holds it."""
    with open(directory / LOCK, "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked(
                f"{directory} is in use by another process. Wait for it to end, or choose "
                f"another directory (hydra.sweep.dir=... or hydra.run.dir=...)"
            ) from None
        yield


def is_locked(directory: Path) -> bool:
    """Does a living process hold `directory`? Changes nothing."""
    try:
        with open(directory / LOCK) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
