"""Worker processes that outlive their tasks, and tasks that outlive their workers.

Each worker is a joblib (loky) executor of one process. A shared executor of several would be torn
down whole when one of its processes is killed; like this a death costs one task and is blamed on it.

Signals are the driver's business. Ctrl-C reaches every process of the terminal, but workers are born
with SIGINT blocked; the driver stops them with SIGTERM, which ends their task by KeyboardInterrupt.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any

from joblib.externals.loky.backend import resource_tracker as loky_resource_tracker
from joblib.externals.loky.process_executor import BrokenProcessPool, ProcessPoolExecutor

from dqn_exp.errors import ConfigError

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
GRACE_SECONDS = 5.0


@dataclass
class Done:
    """One task that is over: its value, or the exception that it raised."""

    task: Any
    value: Any
    error: BaseException | None
    worker_died: bool


class Pool:
    """`n_workers` processes that run one task each; tasks may be added at any time."""

    def __init__(self, n_workers: int, function: Callable[[Any], Any]) -> None:
        self._function = function
        self._idle: list[ProcessPoolExecutor | None] = [None] * n_workers
        self._running: dict[Future[Any], tuple[Any, ProcessPoolExecutor]] = {}
        for tracker in (resource_tracker, loky_resource_tracker):
            tracker.ensure_running()  # when it begins it unblocks SIGINT, which submit() must hold back

    @property
    def running(self) -> list[Any]:
        """The tasks that are being run now."""
        return [task for task, _ in self._running.values()]

    @property
    def idle_workers(self) -> int:
        return len(self._idle)

    def submit(self, task: Any) -> None:
        """Give `task` to an idle worker; there must be one."""
        executor = self._idle.pop() or _new_worker()
        with _interrupts_blocked():  # here a new worker's process begins
            future = executor.submit(self._function, task)
        self._running[future] = (task, executor)

    def wait(self, timeout: float | None = None) -> Iterator[Done]:
        """The tasks that end within `timeout` seconds, once at least one has."""
        finished, _ = wait(self._running, timeout=timeout, return_when=FIRST_COMPLETED)
        for future in finished:
            task, executor = self._running.pop(future)
            error = future.exception()
            died = isinstance(error, BrokenProcessPool)
            if died:
                executor.shutdown(wait=False, kill_workers=True)
            self._idle.append(None if died else executor)
            yield Done(task, None if error else future.result(), error, died)

    def close(self, kill: bool = False) -> None:
        """End the workers: when their tasks are over, or (kill=True) once those have been interrupted."""
        if kill:
            self._interrupt()
        executors = [executor for _, executor in self._running.values()]
        for executor in [*executors, *filter(None, self._idle)]:
            executor.shutdown(wait=not kill, kill_workers=kill)

    def _interrupt(self) -> None:
        for _, executor in self._running.values():
            for process in list(executor._processes.values()):
                process.terminate()
        wait(self._running, timeout=GRACE_SECONDS)


def count_workers(n_jobs: int) -> int:
    """joblib's convention: -1 is one per core, -2 all but one. Raises ConfigError for no number of jobs."""
    if not isinstance(n_jobs, int) or isinstance(n_jobs, bool) or n_jobs == 0:
        raise ConfigError(
            f"hydra.launcher.n_jobs={n_jobs!r}: allowed: the number of trials at a time, "
            f"or -1 for one per core, -2 for all cores but one, ..."
        )
    cores = len(os.sched_getaffinity(0))
    return n_jobs if n_jobs > 0 else max(1, cores + 1 + n_jobs)


def _new_worker() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        max_workers=1, env=ONE_THREAD, initializer=_prepare_worker, initargs=(os.getpid(),)
    )


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Hold back SIGINT; processes that begin meanwhile never receive it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare_worker(parent: int) -> None:
    """A worker whose driver was killed must not go on writing where the next driver will."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
