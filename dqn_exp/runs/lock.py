"""One process at a time in a directory: an advisory lock that dies with its holder."""

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
    """Another process works in this directory."""


@contextlib.contextmanager
def directory_lock(directory: Path, patience: float = 0.3, shared: bool = False) -> Iterator[None]:
    """Hold `directory` for this process; raises Locked where another one holds it.

    `patience` (seconds) outlasts readers that look at the lock, and workers of a killed driver
    that are about to end. Where it is `shared`, others may share it too; for `is_locked` they hold nothing.
    """
    deadline = time.monotonic() + patience
    operation = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    with open(directory / LOCK, "a+") as file:  # NFS wants to read what is shared, and to write what is not
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
    """Does a living process hold `directory`? Changes nothing."""
    try:
        with unchanged(directory):
            return False
    except Locked:
        return True


@contextlib.contextmanager
def unchanged(directory: Path) -> Iterator[None]:
    """Nobody holds `directory` meanwhile, and it may be read; raises Locked where a process holds it.

    Changes nothing. Where there is no lock, or no locks at all, nobody can hold one.
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
    """`fcntl.flock`; raises ConfigError on a file system that knows no such locks."""
    try:
        fcntl.flock(file, operation)
    except BlockingIOError:
        raise
    except OSError as error:
        raise ConfigError(
            f"{Path(file.name).parent} lies on a file system without locks (flock: {error.strerror}), "
            f"which keep two processes out of one place; allowed: a directory elsewhere (hydra.run.dir=..., "
            f"hydra.sweep.dir=... or hydra.sweeper.storage=...)"
        ) from None
