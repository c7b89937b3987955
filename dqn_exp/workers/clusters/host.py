"""Runs on a machine of a cluster: executes a parcel in a separate process, as the pool does locally.

A trial may therefore die, hang, be killed or run out of memory, and the cluster's worker reports what
happened. The process has one thread, does not receive Ctrl-C, and ends with its worker.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dqn_exp.borrowed import dumps, may_have_children
from dqn_exp.runs import is_locked
from dqn_exp.threads import ONE_THREAD
from dqn_exp.workers.clusters.cluster import Answer, Line, Parcel, Place, Refused
from dqn_exp.workers.clusters.files import CODE
from dqn_exp.workers.engine import Done
from dqn_exp.workers.gpus import visible_gpus
from dqn_exp.workers.pool import GRACE_SECONDS, Pool
from dqn_exp.workers.server import start_server

LOOK_SECONDS = 0.1
"""Seconds between two looks at a task."""
LEASE_SECONDS = 120.0
"""Seconds that file servers may keep the locks of a machine that is gone."""

_starting = threading.Lock()
"""Held while a process starts, because that changes the environment of this process for a moment."""
_places: set[int] = set()
_stopped: set[str] = set()


def host(parcel: Parcel, line: Line) -> Answer:
    """Run `parcel` until it ends, is stopped, or `line` is cut."""
    try:
        if parcel.needs_gpu and not visible_gpus(os.environ):
            raise Refused("device='cuda': a worker of the cluster has no CUDA device; allowed: cpu")
        with parcel.files.opened() as place:
            done = _run(parcel, place, line)
            return Answer(_content(done), place.archive(), done.death, done.stuck)
    except Refused as refused:
        return Answer(refusal=str(refused))
    finally:
        _stopped.discard(parcel.key)


def stop(key: str) -> None:
    """Ask the parcel `key`, which this process runs, to end soon."""
    _stopped.add(key)


@dataclass(frozen=True)
class Work:
    """The input of the process of a task."""

    content: bytes
    directories: tuple[Path, ...]
    root: Path | None
    folder: Path
    environment: Mapping[str, str]


def _run(parcel: Parcel, place: Place, line: Line) -> Done:
    work = Work(parcel.content, place.directories, place.root, parcel.folder, parcel.environment)
    with _pool(parcel) as pool:
        with _starting:
            pool.submit(work)
        sent = time.monotonic()
        while True:
            for done in pool.wait(LOOK_SECONDS):
                return done
            if parcel.key in _stopped or line.is_cut():
                pool.stop(work)
                return next(pool.wait(GRACE_SECONDS), Done(work, death="SIGKILL(-9)"))
            if parcel.files.every is not None and time.monotonic() - sent >= parcel.files.every:
                line.send(place.archive() or b"")
                sent = time.monotonic()


@contextmanager
def _pool(parcel: Parcel) -> Iterator[Pool]:
    """A pool of one worker, at the first free place on this machine."""
    with _starting:
        number = next(number for number in range(len(_places) + 1) if number not in _places)
        _places.add(number)
        os.environ.update(ONE_THREAD)
        may_have_children()
        start_server(parcel.preload)
        pool = Pool(1, perform, parcel.patience, number)
    try:
        yield pool
    finally:
        pool.close(kill=bool(pool.running))
        _places.remove(number)


def perform(work: Work) -> bytes:
    """Runs in the process of a task; returns its value and error, pickled."""
    for name, value in work.environment.items():
        os.environ.setdefault(name, value)
    folder = work.folder if work.root is None else work.root / CODE
    if folder.is_dir():
        os.chdir(folder)
        sys.path.insert(0, str(folder))
    _await_locks(work.directories)
    try:
        function, task = pickle.loads(work.content)
        value = function(task if work.root is None else task.moved(work.root))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit, which a user's code may raise
        return dumps((None, error))
    return dumps((value, None))


def _content(done: Done) -> bytes | None:
    """The result of a task's process: what it returned, or an error if it could not; None if it died."""
    if done.worker_died:
        return None
    if done.error is not None:
        return dumps((None, RuntimeError(f"{type(done.error).__name__}: {done.error}")))
    content: bytes = done.value
    return content


def _await_locks(directories: tuple[Path, ...]) -> None:
    """Wait until a file server releases the locks that a lost machine held on these `directories`."""
    deadline = time.monotonic() + LEASE_SECONDS
    while any(map(is_locked, directories)) and time.monotonic() < deadline:
        time.sleep(0.5)
