"""`python -m dqn_exp`: one trial, or with -m a sweep or a study."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType


def main() -> None:
    """Run what the command line asks for; bad input ends with one message and exit code 2."""
    from dqn_exp.cli import help_text

    if sys.argv[1:] in (["--help"], ["-h"]):
        print(help_text())
        return
    full_traceback = os.environ.get("HYDRA_FULL_ERROR") == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # lets errors reach the handler below
    signal.signal(signal.SIGTERM, _interrupt)
    try:
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


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal_number)


def _run() -> None:
    from dqn_exp.launch import ONE_THREAD, start_server, stop_server

    os.environ.update(ONE_THREAD)
    if is_parallel_sweep(sys.argv):
        start_server()  # which takes as long as the imports here
    try:
        _run_hydra()
    finally:
        stop_server()


def is_parallel_sweep(arguments: Sequence[str]) -> bool:
    """Will there be worker processes of ours?"""
    is_sweep = "-m" in arguments or "--multirun" in arguments
    return is_sweep and not any(text.startswith("hydra/launcher=") for text in arguments)


def _run_hydra() -> None:
    from dqn_exp.launch import garbage_uncollected

    with garbage_uncollected():
        import hydra

        from dqn_exp.cli import check_asked, prepare_single_run
        from dqn_exp.config import CONF, plain_calls
        from dqn_exp.launch import run_single

    sys.argv[1:] = map(plain_calls, sys.argv[1:])
    check_asked(sys.argv)
    prepare_single_run(sys.argv)
    hydra.main(config_path=str(CONF), config_name="config", version_base="1.3")(run_single)()


if __name__ == "__main__":
    atexit.register(gc.freeze)  # to search all modules for garbage at the end takes half a second
    main()
