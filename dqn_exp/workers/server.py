"""The process that workers are forked from; it imports what trials need while the driver plans."""

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

LONGEST_DIRECTORY = 60
"""The longest temporary directory, in characters, that leaves room for a socket's path of at most 107."""


def start_server(preload: bool = True) -> None:
    """Start the process if it is not running; returns at once."""
    _find_room_for_socket()
    forkserver.set_forkserver_preload(["dqn_exp.workers.preload"] if preload else [])
    with interrupts_blocked(), _import_path_in_environment():
        forkserver.ensure_running()


def stop_server() -> None:
    """End the process at once, if it runs; by itself it would end only after its imports."""
    kill_forkserver()


def _find_room_for_socket() -> None:
    """Put multiprocessing's temporary directory into /tmp if the usual path is too long for a socket."""
    usual = tempfile.tempdir
    if len(tempfile.gettempdir()) > LONGEST_DIRECTORY:
        tempfile.tempdir = "/tmp"
    try:
        multiprocessing.util.get_temp_dir()
    finally:
        tempfile.tempdir = usual


@contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Processes and threads started inside, and their children, do not receive Ctrl-C."""
    resource_tracker.ensure_running()  # it unblocks SIGINT when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _import_path_in_environment() -> Iterator[None]:
    """Python processes started inside use the import path of this process."""
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
    """Processes started inside do not run the driver's script again."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
