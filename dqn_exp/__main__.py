"""The command `python -m dqn_exp` (or `dqn-exp`): runs one trial, or with -m a sweep or a study."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from contextlib import nullcontext, suppress
from typing import Any

from dqn_exp.platforms import refuse_windows


def main() -> None:
    """Run what the command line asks for. Bad input ends the program with one message and exit code 2."""
    refuse_windows()
    atexit.register(gc.freeze)  # otherwise the last garbage collection takes half a second
    from dqn_exp.cli import as_found, help_text

    if sys.argv[1:] in (["--help"], ["-h"]):
        print(help_text())
        return
    full_traceback = os.environ.get("HYDRA_FULL_ERROR") == "1"
    try:
        with as_found():
            _run()
    except KeyboardInterrupt as interrupt:
        print("\nInterrupted. The same command continues.", file=sys.stderr)
        sys.exit(128 + (interrupt.args[0] if interrupt.args else signal.SIGINT))
    except Exception as error:
        from dqn_exp.cli import explain

        message = explain(error)
        if full_traceback or message is None:
            raise
        print(message, file=sys.stderr)
        sys.exit(2)


def _run() -> None:
    if {"-sc", "--shell-completion"} & set(sys.argv):
        _complete()
        return
    from dqn_exp.cli import worker_server

    with worker_server(sys.argv):
        _run_trials()


def _complete() -> None:
    """Complete a word for the shell.

    The user is waiting, so nothing else is imported. Errors are ignored, because the word may be incomplete.
    """
    from dqn_exp.cli import run_hydra

    is_query = any(argument.startswith("query=") for argument in sys.argv)
    with suppress(Exception) if is_query else nullcontext():
        run_hydra(_nothing)


def _run_trials() -> None:
    from dqn_exp.garbage import garbage_uncollected

    with garbage_uncollected():
        from dqn_exp.cli import prepare_single_run, read_command, run_hydra
        from dqn_exp.workers import run_single

    read_command(sys.argv)
    if prepare_single_run(sys.argv):
        run_hydra(run_single)


def _nothing(composed: Any) -> None:
    """The task that Hydra gets when only completions are wanted."""


if __name__ == "__main__":
    main()
