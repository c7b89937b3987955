"""Private parts of loky, in joblib: executors of one or more processes, how these end, and pickling."""

from __future__ import annotations

import os
import re
import signal
from contextlib import suppress
from typing import Any

from joblib.externals.loky.backend.reduction import dumps as loky_dumps
from joblib.externals.loky.process_executor import BrokenProcessPool, ProcessPoolExecutor

TESTED = {"joblib": ["1.6.0"]}

__all__ = [
    "TESTED",
    "BrokenProcessPool",
    "ProcessPoolExecutor",
    "dumps",
    "exit_code",
    "kill_workers",
    "terminate_workers",
]


def dumps(value: Any) -> bytes:
    """`value` pickled as executors pickle tasks: also functions and classes of `__main__`."""
    return bytes(loky_dumps(value))


def terminate_workers(executor: ProcessPoolExecutor) -> None:
    """Send SIGTERM to the worker processes; `shutdown(kill_workers=True)` would kill them at once."""
    for process in list(executor._processes.values()):
        process.terminate()


def kill_workers(executor: ProcessPoolExecutor) -> None:
    """Send SIGKILL to the worker processes; the executor then reports their death."""
    for process in list(executor._processes.values()):
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


def exit_code(error: BaseException) -> str | None:
    """How the worker that `error` reports ended, such as "SIGKILL(-9)"; None if `error` does not say."""
    match = re.search(r"exit codes of the workers are \{(.*)\}", str(error))
    return match.group(1) if match else None
