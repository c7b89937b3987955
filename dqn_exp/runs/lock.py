"""An advisory lock of a directory for one process at a time; it is released when the process dies."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from dqn_exp.config import ConfigError

LOCK = "lock"


class Locked(RuntimeError):
    """Another process holds the lock of this directory."""


@contextlib.contextmanager
def directory_lock(directory: Path, patience: float = 0.3, shared: bool = False) -> Iterator[None]:
    """Lock `directory` for this process; raises Locked if another process still holds it after `patience`.

    `patience` (seconds) covers readers that test the lock, and workers of a killed driver that are about to
    end. A `shared` lock can be held by several processes; `is_locked` ignores shared locks.
    """
    deadline = time.monotonic() + patience
    operation = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    with open(directory / LOCK, "a+") as file:  # NFS: shared locks need reading, exclusive ones writing
        while not _acquire(file, operation):
            if time.monotonic() >= deadline:
                raise Locked(in_use(directory))
            time.sleep(0.02)
        yield


def in_use(directory: Path) -> str:
    return (
        f"{directory} is in use by another process. Wait for it to end, or choose "
        f"another directory (hydra.sweep.dir=... or hydra.run.dir=...)"
    )


def _acquire(file: IO[str], operation: int) -> bool:
    try:
        flock(file, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_locked(directory: Path) -> bool:
    """Whether a living process holds the exclusive lock of `directory`. Changes nothing."""
    try:
        with unchanged(directory):
            return False
    except Locked:
        return True


@contextlib.contextmanager
def unchanged(directory: Path) -> Iterator[None]:
    """Keep `directory` free of exclusive locks while it is read; raises Locked if a process holds one.

    Changes nothing. Without a lock file, or on a file system without locks, no process can hold one.
    """
    with contextlib.ExitStack() as opened:
        try:
            file = opened.enter_context(open(directory / LOCK))
            flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except (FileNotFoundError, ConfigError):
            pass
        except BlockingIOError:
            raise Locked(in_use(directory)) from None
        yield


def flock(file: IO[Any], operation: int) -> None:
    """`fcntl.flock`; raises ConfigError on a file system without such locks."""
    try:
        fcntl.flock(file, operation)
    except BlockingIOError:
        raise
    except OSError as error:
        raise ConfigError(
            f"{Path(file.name).parent} is on a file system without locks (flock: {error.strerror}), "
            f"which keep out a second process; allowed: a directory elsewhere (hydra.run.dir=..., "
            f"hydra.sweep.dir=... or hydra.sweeper.storage=...)"
        ) from None
