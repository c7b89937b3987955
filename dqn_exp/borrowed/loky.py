"""From loky, as joblib brings it: the processes of an executor, and how they ended."""

from __future__ import annotations

import os
import re
import signal
from contextlib import suppress

from joblib.externals.loky.process_executor import ProcessPoolExecutor

TESTED = {"joblib": ["1.6.0"]}


def terminate_workers(executor: ProcessPoolExecutor) -> None:
    """Send SIGTERM to the worker processes, which `shutdown(kill_workers=True)` kills without asking."""
    for process in list(executor._processes.values()):
        process.terminate()


def kill_workers(executor: ProcessPoolExecutor) -> None:
    """Send SIGKILL to the worker processes; the executor then tells of their death."""
    for process in list(executor._processes.values()):
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


def exit_code(error: BaseException) -> str | None:
    """How the worker ended that `error` tells of, such as "SIGKILL(-9)"; None where it does not say."""
    found = re.search(r"exit codes of the workers are \{(.*)\}", str(error))
    return found.group(1) if found else None
