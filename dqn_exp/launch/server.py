"""The process that workers are forked from: it imports what trials need while the driver makes its plan."""

from __future__ import annotations

import multiprocessing.util
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from types import ModuleType

from dqn_exp.borrowed import kill_forkserver

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
"""Environment variables that keep a process to one thread: trials run side by side instead."""


LONGEST_DIRECTORY = 60
"""Letters of a temporary directory that leave room for a socket's name in the 107 that it may have."""


def start_server(preload: bool = True) -> None:
    """Begin to prepare the process, unless that has begun; returns at once."""
    _find_room_for_socket()
    forkserver.set_forkserver_preload(["dqn_exp.launch.preload"] if preload else [])
    with interrupts_held_back(), _import_path_in_environment():
        forkserver.ensure_running()


def stop_server() -> None:
    """End the process at once, where there is one; it would notice our end only after its imports."""
    kill_forkserver()


def _find_room_for_socket() -> None:
    """Let multiprocessing have its temporary directory in /tmp where the usual one has too long a name."""
    usual = tempfile.tempdir
    if len(tempfile.gettempdir()) > LONGEST_DIRECTORY:
        tempfile.tempdir = "/tmp"
    try:
        multiprocessing.util.get_temp_dir()
    finally:
        tempfile.tempdir = usual


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Processes and threads that begin meanwhile hear no Ctrl-C, nor do those that they begin."""
    resource_tracker.ensure_running()  # when it begins it unblocks SIGINT
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _import_path_in_environment() -> Iterator[None]:
    """Python processes that begin meanwhile import what this one would."""
    before = dict(os.environ)
    path = os.pathsep.join(os.path.abspath(place) for place in sys.path)
    os.environ.update(PYTHONPATH=path, PYTHONSAFEPATH="1")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def main_module_hidden() -> Iterator[None]:
    """Processes that begin meanwhile do not run the driver's script again, which they need not know."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
