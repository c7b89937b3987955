"""Worker processes that outlive their tasks, and tasks that outlive their workers.

Each worker is a joblib (loky) executor of one process. A shared executor of several would be torn
down whole when one of its processes is killed; like this a death costs one task and is blamed on it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any

from joblib.externals.loky.process_executor import BrokenProcessPool, ProcessPoolExecutor

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


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

    @property
    def running(self) -> list[Any]:
        """The tasks that are being run now."""
        return [task for task, _ in self._running.values()]

    @property
    def idle_workers(self) -> int:
        return len(self._idle)

    def submit(self, task: Any) -> None:
        """Give `task` to an idle worker; there must be one."""
        executor = self._idle.pop() or _start_worker()
        self._running[executor.submit(self._function, task)] = (task, executor)

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
        """End the workers: at once, or (kill=False) when their tasks are over."""
        executors = [executor for _, executor in self._running.values()]
        for executor in [*executors, *filter(None, self._idle)]:
            executor.shutdown(wait=not kill, kill_workers=kill)


def count_workers(n_jobs: int) -> int:
    """joblib's convention: -1 is one per core, -2 all but one."""
    cores = len(os.sched_getaffinity(0))
    return n_jobs if n_jobs > 0 else max(1, cores + 1 + n_jobs)


def _start_worker() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        max_workers=1, env=ONE_THREAD, initializer=_prepare_worker, initargs=(os.getpid(),)
    )


def _prepare_worker(parent: int) -> None:
    """A worker whose driver was killed must not go on writing where the next driver will."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
