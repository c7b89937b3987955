"""Private parts of Python's multiprocessing: end the fork server, and let a process have children."""

from __future__ import annotations

import multiprocessing
import os
import signal
from contextlib import suppress
from multiprocessing import forkserver
from typing import Any

TESTED = {"python": ["3.11"]}


def kill_forkserver() -> None:
    """End the fork server at once, if it runs; `ensure_running` may start another."""
    server: Any = vars(forkserver)["_forkserver"]
    if server._forkserver_pid is not None:
        with suppress(ChildProcessError):  # if SIGCHLD is ignored, the child cannot be waited for
            os.kill(server._forkserver_pid, signal.SIGTERM)
            server._stop()


def may_have_children() -> None:
    """Let this process start others, even if it is a daemon; the others must end by themselves."""
    vars(multiprocessing.current_process())["_config"]["daemon"] = False
