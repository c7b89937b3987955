"""Open the storage of a study, a journal file or a database; a killed process does no damage to it."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import importlib.util
import json
import os
import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError

from dqn_exp.borrowed import JournalFileLock
from dqn_exp.config import ConfigError
from dqn_exp.runs import flock

JOURNAL = "journal.log"
SQLITE_PATIENCE = 100.0
"""Seconds to wait while another process writes."""
CONNECT_SECONDS = 10
ATTEMPTS = 8
"""If several processes create the same tables at the same time, all but one must retry."""

T = TypeVar("T")


class JournalLock(JournalFileLock):
    """An flock next to the journal; it is released when its process dies, unlike Optuna's lock files.

    A killed writer may leave half a line. The next writer removes it before it appends, because a complete
    line after half a line could not be read.
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
    """Cut `journal` after its last complete line; the caller holds its lock."""
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
    """Open the storage at `location`, a URL or the path of a journal; raises ConfigError.

    Opened once per process and location, because opening reads everything.
    """
    quiet()
    return _open_database(location) if is_url(location) else _open_journal(Path(location))


def is_url(location: str) -> bool:
    return "://" in location


def is_server(location: str) -> bool:
    """Whether machines that do not see our files can reach the storage."""
    return is_url(location) and not location.startswith("sqlite")


def locate(storage: str | None, directory: Path) -> str:
    """The location for the option `storage`; None means a journal in the study's directory.

    Raises ConfigError if it is not a usable location.
    """
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
        raise ConfigError(f"hydra.sweeper.storage={storage} exists in memory only; {ALLOWED}")
    return storage


ALLOWED = (
    "allowed: null (a journal file in the study's directory), the path of a journal file, "
    "sqlite:///study.db or postgresql://user@host/database"
)


@contextlib.contextmanager
def exclusive_turn(location: str) -> Iterator[None]:
    """Let only one process at a time take a queued trial.

    Journals and servers do this themselves. With SQLite, Optuna looks first and takes later, so two processes
    might take the same trial. A SQLite file is used on one machine, where an flock is enough.
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
    """Turn off Optuna's report of each trial; a study has its own progress display."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def _open_journal(path: Path) -> JournalStorage:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        _check_journal(path)
    return JournalStorage(JournalFileBackend(str(path), lock_obj=JournalLock(path)))


def _check_journal(path: Path) -> None:
    """Raise ConfigError if a complete line is not Optuna's, as nothing may be appended to such a file."""
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
    engine = {"connect_args": _arguments(url), "pool_pre_ping": True}  # survives a restart of the server
    try:
        _connect_once(url, engine)
        storage = retrying(lambda: RDBStorage(url, engine_kwargs=engine))
    except (ImportError, NoSuchModuleError) as error:
        raise ConfigError(f"hydra.sweeper.storage={printable(location)}: {error}; {ALLOWED}") from None
    except DatabaseError as error:
        reason = " ".join(str(error.orig).split())
        raise ConfigError(f"hydra.sweeper.storage={printable(location)}: {reason}; {ALLOWED}") from None
    except RuntimeError as error:  # tables of another version of Optuna; its message says what to do
        reason = str(error).replace("$STORAGE_URL", f"'{printable(url)}'")
        raise ConfigError(f"hydra.sweeper.storage={printable(location)}: {reason}") from None
    return optuna.storages.get_storage(storage)


def _arguments(url: str) -> dict[str, Any]:
    """How long the driver of a database waits; a time in the URL counts more."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return {"timeout": SQLITE_PATIENCE}
    if parsed.get_driver_name() in ("psycopg", "psycopg2") and "connect_timeout" not in parsed.query:
        return {"connect_timeout": CONNECT_SECONDS}
    return {}


def _connect_once(url: str, options: Mapping[str, Any]) -> None:
    """Raise DatabaseError if the database does not answer."""
    engine = create_engine(url, **options)
    engine.connect().close()
    engine.dispose()


def retrying(attempt: Callable[[], T]) -> T:
    for pause in range(1, ATTEMPTS):
        try:
            return attempt()
        except DatabaseError:
            time.sleep(0.1 * pause)
    return attempt()


def _with_driver(location: str) -> str:
    """A PostgreSQL URL with the installed driver: psycopg 3 if psycopg2 is missing."""
    url = make_url(location)
    if url.drivername in ("postgres", "postgresql") and importlib.util.find_spec("psycopg2") is None:
        if importlib.util.find_spec("psycopg") is None:
            raise ConfigError(
                f"hydra.sweeper.storage={printable(location)} needs the package psycopg, which is not "
                f"installed; install it: pip install 'psycopg[binary]'"
            )
        url = url.set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)
