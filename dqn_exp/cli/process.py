"""Run one command in this process, and restore the process afterwards."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from dqn_exp.threads import ONE_THREAD


@contextmanager
def as_found() -> Iterator[None]:
    """Restore arguments, environment, signals and logging afterwards, as another command may follow."""
    arguments, environment = list(sys.argv), dict(os.environ)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # lets errors reach the caller
    is_first_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _interrupt) if is_first_thread else None
    try:
        with _logging_as_found():
            yield
    finally:
        sys.argv[:] = arguments
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
        if is_first_thread:
            signal.signal(signal.SIGTERM, before)
        if provenance := sys.modules.get("dqn_exp.runs.provenance"):  # not imported for completions
            provenance.set_command(())


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal_number)


@contextmanager
def _logging_as_found() -> Iterator[None]:
    """Restore the root logger, to which Hydra adds handlers, such as the one for a trial's log."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    try:
        yield
    finally:
        for handler in root.handlers:
            if handler not in handlers:
                handler.close()
        root.setLevel(level)
        root.handlers[:] = handlers


@contextmanager
def worker_server(arguments: Sequence[str]) -> Iterator[None]:
    """Start the server that workers are forked from if the command may need it; stop it afterwards."""
    from dqn_exp.workers import start_server, stop_server

    os.environ.update(ONE_THREAD)
    if is_parallel_sweep(arguments):
        start_server()  # its imports take as long as those of this process
    try:
        yield
    finally:
        stop_server()


def is_parallel_sweep(arguments: Sequence[str]) -> bool:
    """Whether the command starts worker processes of our pool."""
    is_sweep = "-m" in arguments or "--multirun" in arguments
    return is_sweep and not any(text.startswith("hydra/launcher=") for text in arguments)


def run_hydra(task: Callable[[Any], Any]) -> None:
    """Let Hydra read `sys.argv` and run `task`, or the sweeper with `-m`."""
    import hydra

    from dqn_exp.config import CONF

    hydra.main(config_path=str(CONF), config_name="config", version_base="1.3")(task)()
