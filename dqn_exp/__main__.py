"""`python -m dqn_exp`, or `dqn-exp`: one trial, or with -m a sweep or a study."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from types import FrameType
from typing import Any

from dqn_exp.platforms import refuse_windows


def main() -> None:
    """Run what the command line asks for; bad input ends with one message and exit code 2."""
    refuse_windows()
    atexit.register(gc.freeze)  # to search all modules for garbage at the end takes half a second
    from dqn_exp.cli import help_text

    if sys.argv[1:] in (["--help"], ["-h"]):
        print(help_text())
        return
    full_traceback = os.environ.get("HYDRA_FULL_ERROR") == "1"
    try:
        with _as_found():
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


@contextmanager
def _as_found() -> Iterator[None]:
    """What is changed for one command is put back: another may follow in the same process."""
    arguments, environment = list(sys.argv), dict(os.environ)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # lets errors reach the handler in main
    is_first_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _interrupt) if is_first_thread else None
    try:
        yield
    finally:
        sys.argv[:] = arguments
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
        if is_first_thread:
            signal.signal(signal.SIGTERM, before)


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal_number)


def _run() -> None:
    if {"-sc", "--shell-completion"} & set(sys.argv):
        _complete()
        return
    from dqn_exp.launch import ONE_THREAD, start_server, stop_server

    os.environ.update(ONE_THREAD)
    if is_parallel_sweep(sys.argv):
        start_server()  # which takes as long as the imports here
    try:
        _run_trials()
    finally:
        stop_server()


def _complete() -> None:
    """While somebody waits for the end of a word: nothing else is imported, and half a word is no error."""
    is_query = any(argument.startswith("query=") for argument in sys.argv)
    with suppress(Exception) if is_query else nullcontext():
        _hand_to_hydra(_nothing)


def is_parallel_sweep(arguments: Sequence[str]) -> bool:
    """Will there be worker processes of ours?"""
    is_sweep = "-m" in arguments or "--multirun" in arguments
    return is_sweep and not any(text.startswith("hydra/launcher=") for text in arguments)


def multirun_first(arguments: Sequence[str]) -> list[str]:
    """Hydra reads no override that stands behind -m where others stand before it."""
    return sorted(arguments, key=lambda argument: argument not in ("-m", "--multirun"))


def _run_trials() -> None:
    from dqn_exp.launch import garbage_uncollected

    with garbage_uncollected():
        from dqn_exp.cli import check_asked, prepare_single_run
        from dqn_exp.config import grouped, plain_calls
        from dqn_exp.launch import run_single
        from dqn_exp.runs import provenance

    provenance.set_command(sys.argv)
    sys.argv[1:] = [grouped(plain_calls(argument)) for argument in multirun_first(sys.argv[1:])]
    check_asked(sys.argv)
    if prepare_single_run(sys.argv):
        _hand_to_hydra(run_single)


def _hand_to_hydra(task: Callable[[Any], Any]) -> None:
    import hydra

    from dqn_exp.config import CONF

    hydra.main(config_path=str(CONF), config_name="config", version_base="1.3")(task)()


def _nothing(composed: Any) -> None:
    """What Hydra runs where it is only asked for completions."""


if __name__ == "__main__":
    main()
