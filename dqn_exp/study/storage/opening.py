"""Where a study is kept: a journal file, or a database by URL; opened so that kill -9 does no harm."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import importlib.util
import json
import os
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TypeVar

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError

from dqn_exp.borrowed import JournalFileLock
from dqn_exp.config import ConfigError
from dqn_exp.runs import flock

JOURNAL = "journal.log"
SQLITE_PATIENCE = 100.0
"""Seconds to wait for another process's write."""
ATTEMPTS = 8
"""Several processes may create the same tables at the same moment: all but one must try again."""

T = TypeVar("T")


class JournalLock(JournalFileLock):
    """An flock beside the journal: it dies with its holder, unlike Optuna's lock files.

    A writer that was killed may leave half a line. Whoever comes next trims it before appending,
    for a whole line after half of one could not be read again.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._path = journal.with_name(journal.name + ".flock")
        self._held: IO[bytes] | None = None

    def acquire(self) -> bool:
        held = open(self._path, "ab")  # noqa: SIM115 - until release()
        flock(held, fcntl.LOCK_EX)
        self._held = held
        trim(self._journal)
        return True

    def release(self) -> None:
        assert self._held is not None
        self._held.close()
        self._held = None


def trim(journal: Path) -> None:
    """Cut `journal` after its last whole line; the caller holds its lock."""
    with open(journal, "r+b") as file:
        end = file.seek(0, os.SEEK_END)
        if end == 0:
            return
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)


@functools.cache
def open_storage(location: str) -> BaseStorage:
    """The storage at `location`, a URL or the path of a journal; raises ConfigError.

    One per process and location: opening reads everything.
    """
    quiet()
    return _open_database(location) if is_url(location) else _open_journal(Path(location))


def is_url(location: str) -> bool:
    return "://" in location


def is_server(location: str) -> bool:
    """May other machines reach it that do not see our files?"""
    return is_url(location) and not location.startswith("sqlite")


def locate(storage: str | None, directory: Path) -> str:
    """The location that the option `storage` means; null is a journal in the study's directory."""
    if storage is None:
        return str((directory / JOURNAL).absolute())
    if not is_url(storage):
        if ":" in storage:
            raise ConfigError(f"hydra.sweeper.storage={storage}: {ALLOWED}")
        return str(Path(storage).absolute())
    try:
        url = make_url(storage)
    except ArgumentError:
        raise ConfigError(f"hydra.sweeper.storage={storage}: {ALLOWED}") from None
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise ConfigError(f"hydra.sweeper.storage={storage} lives in memory only; {ALLOWED}")
    return storage


ALLOWED = (
    "allowed: null (a journal file in the study's directory), the path of a journal file, "
    "sqlite:///study.db or postgresql://user@host/database"
)


@contextlib.contextmanager
def taking_turns(location: str) -> Iterator[None]:
    """Let one process at a time take a queued trial.

    Journals and servers see to that by themselves. In SQLite Optuna looks and then takes, so that
    two processes may take the same trial; its file has one machine, where an flock is enough.
    """
    path = make_url(location).database if location.startswith("sqlite") else None
    if path is None:
        yield
        return
    with open(f"{path}.flock", "ab") as held:
        flock(held, fcntl.LOCK_EX)
        yield


def printable(location: str) -> str:
    """`location` without its password."""
    return make_url(location).render_as_string() if is_url(location) else location


def dashboard_command(location: str) -> str:
    target = printable(_with_driver(location)) if is_url(location) else location
    return f"optuna-dashboard {shlex.quote(target)}"


def quiet() -> None:
    """Optuna reports each trial by itself; a study here has its own progress."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def _open_journal(path: Path) -> JournalStorage:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        _check_journal(path)
    return JournalStorage(JournalFileBackend(str(path), lock_obj=JournalLock(path)))


def _check_journal(path: Path) -> None:
    """Raise ConfigError where a whole line is none of Optuna's: nothing may be added to such a file."""
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        try:
            known = "op_code" in json.loads(line)
        except (ValueError, TypeError):
            known = False
        if not known:
            raise ConfigError(
                f"{path} is not a journal of Optuna, or it is damaged: line {number} cannot be read"
            )


def _open_database(location: str) -> BaseStorage:
    url = _with_driver(location)
    arguments = {"timeout": SQLITE_PATIENCE} if url.startswith("sqlite") else {}
    engine = {"connect_args": arguments, "pool_pre_ping": True}  # a restarted server costs nothing
    try:
        storage = patiently(lambda: RDBStorage(url, engine_kwargs=engine))
    except (ImportError, NoSuchModuleError) as error:
        raise ConfigError(f"hydra.sweeper.storage={printable(location)}: {error}; {ALLOWED}") from None
    except DatabaseError as error:
        reason = str(error.orig).strip()
        raise ConfigError(f"hydra.sweeper.storage={printable(location)}: {reason}; {ALLOWED}") from None
    except RuntimeError as error:  # the tables are those of another version of Optuna, which says what to do
        reason = str(error).replace("$STORAGE_URL", f"'{printable(url)}'")
        raise ConfigError(f"hydra.sweeper.storage={printable(location)}: {reason}") from None
    return optuna.storages.get_storage(storage)


def patiently(attempt: Callable[[], T]) -> T:
    for pause in range(1, ATTEMPTS):
        try:
            return attempt()
        except DatabaseError as error:
            if "could not connect" in str(error) or "connection failed" in str(error):
                raise
            time.sleep(0.1 * pause)
    return attempt()


def _with_driver(location: str) -> str:
    """PostgreSQL's URL with the driver that is installed: psycopg 3, where it is not psycopg2."""
    url = make_url(location)
    if url.drivername in ("postgres", "postgresql") and importlib.util.find_spec("psycopg2") is None:
        if importlib.util.find_spec("psycopg") is None:
            raise ConfigError(
                f"hydra.sweeper.storage={printable(location)} needs the package psycopg, which is not "
                f"installed; install it: pip install 'psycopg[binary]'"
            )
        url = url.set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)
