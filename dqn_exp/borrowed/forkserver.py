"""From Python's multiprocessing: how the fork server is ended, and who may have children."""

from __future__ import annotations

import multiprocessing
import os
import signal
from contextlib import suppress
from multiprocessing import forkserver
from typing import Any

TESTED = {"python": ["3.11"]}


def kill_forkserver() -> None:
    """End the fork server at once, where there is one; `ensure_running` may start another."""
    server: Any = vars(forkserver)["_forkserver"]
    if server._forkserver_pid is not None:
        with suppress(ChildProcessError):  # where SIGCHLD is ignored, children leave no trace
            os.kill(server._forkserver_pid, signal.SIGTERM)
            server._stop()


def may_have_children() -> None:
    """Let this process start others, be it a daemon or not; they must end by themselves."""
    vars(multiprocessing.current_process())["_config"]["daemon"] = False
