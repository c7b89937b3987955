"""The process that workers are forked from: it imports what trials need while the driver makes its plan."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from types import ModuleType
from typing import Any

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
"""Environment variables that keep a process to one thread: trials run side by side instead."""


def start_server() -> None:
    """Begin to prepare the process, unless that has begun; returns at once."""
    resource_tracker.ensure_running()  # when it begins it unblocks SIGINT, which is held back below
    forkserver.set_forkserver_preload(["dqn_exp.launch.preload"])
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the server's children inherit this
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def stop_server() -> None:
    """End the process at once, where there is one; it would notice our end only after its imports."""
    server: Any = vars(forkserver)["_forkserver"]
    if server._forkserver_pid is not None:
        os.kill(server._forkserver_pid, signal.SIGTERM)
        server._stop()


@contextmanager
def main_module_hidden() -> Iterator[None]:
    """Processes that begin meanwhile do not run the driver's script again, which they need not know."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
