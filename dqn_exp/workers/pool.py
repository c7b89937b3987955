"""A pool of worker processes on this machine; each process runs many tasks, one after another.

Each worker is a joblib (loky) executor with one process. If one executor had several processes, killing one
would end all of them; this way, a death costs one task and can be attributed to it. Workers are forked from
a server that has imported what trials need, so a new worker costs milliseconds.

The driver handles signals. Ctrl-C reaches every process of the terminal, but workers start with SIGINT
blocked. The driver stops them with SIGTERM, which ends their task by KeyboardInterrupt.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any
from weakref import WeakSet

import numpy as np
from joblib import cpu_count

from dqn_exp.borrowed import (
    BrokenProcessPool,
    ProcessPoolExecutor,
    exit_code,
    kill_workers,
    terminate_workers,
)
from dqn_exp.config import ConfigError
from dqn_exp.workers.engine import Done
from dqn_exp.workers.gpus import on_gpu, visible_gpus
from dqn_exp.workers.server import main_module_hidden, start_server
from dqn_exp.workers.watch import Watch

GRACE_SECONDS = 5.0
LOOK_SECONDS = 0.5
"""Seconds between two looks at the progress of the tasks."""


class Pool:
    """`n_workers` processes as the `Workers` of an engine."""

    def __init__(
        self,
        n_workers: int,
        function: Callable[[Any], Any],
        patience: float | None = None,
        first_place: int = 0,
    ) -> None:
        """`patience`: seconds without a step after which the worker of a `Watchable` task is killed.

        `first_place`: the number of workers in other pools that come first when GPUs are assigned.
        """
        self._function = function
        self._watch = None if patience is None else Watch(patience)
        self._stuck: WeakSet[Future[Any]] = WeakSet()
        self._stopped: WeakSet[Future[Any]] = WeakSet()
        self._gpus = visible_gpus(os.environ)
        places = reversed(range(first_place, first_place + n_workers))
        self._idle: list[tuple[int, ProcessPoolExecutor | None]] = [(place, None) for place in places]
        self._running: dict[Future[Any], tuple[Any, int, ProcessPoolExecutor]] = {}
        self._executors: set[ProcessPoolExecutor] = set()
        start_server()

    @property
    def running(self) -> list[Any]:
        return [task for task, _, _ in self._running.values()]

    @property
    def idle_workers(self) -> int:
        return len(self._idle)

    def submit(self, task: Any) -> None:
        place, idle = self._idle.pop()
        executor = idle or self._new_worker(place)
        with main_module_hidden():  # a new worker's process starts here
            try:
                future = executor.submit(self._function, task)
            except BrokenProcessPool:  # it died while idle
                self._discard(executor)
                executor = self._new_worker(place)
                future = executor.submit(self._function, task)
        self._running[future] = (task, place, executor)

    def stop(self, task: Any) -> None:
        for future, (running, _, executor) in self._running.items():
            if running is task:
                self._stopped.add(future)
                terminate_workers(executor)

    def wait(self, timeout: float | None = None) -> Iterator[Done]:
        for future in self._first_finished(timeout):
            task, place, executor = self._running.pop(future)
            error = future.exception()
            death, stuck = _death(error), future in self._stuck
            is_lost = death is not None or future in self._stopped  # a signal may still reach a stopped one
            if is_lost:
                self._discard(executor)
            if death is not None and stuck and self._watch:
                death = f"killed after {self._watch.patience:g} s without a step"
            self._idle.append((place, None if is_lost else executor))
            yield Done(task, None if error else future.result(), error, death, stuck)

    def _first_finished(self, timeout: float | None) -> Collection[Future[Any]]:
        """Wait for the first finished tasks; meanwhile kill tasks that make no progress."""
        if self._watch is None:
            return wait(self._running, timeout=timeout, return_when=FIRST_COMPLETED).done
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            left = max(0.0, deadline - time.monotonic())
            finished = wait(self._running, min(left, LOOK_SECONDS), return_when=FIRST_COMPLETED).done
            if finished or left == 0:
                return finished
            self._kill_stuck(self._watch)

    def _kill_stuck(self, watch: Watch) -> None:
        for future, (task, _, executor) in self._running.items():
            if watch.is_stuck(future, task) and future not in self._stuck:
                self._stuck.add(future)
                kill_workers(executor)

    def close(self, kill: bool = False) -> None:
        """End the workers. With kill=True, tasks are interrupted and get `GRACE_SECONDS` to write records."""
        if kill:
            self._interrupt()
        for executor in self._executors:
            executor.shutdown(wait=not kill, kill_workers=kill)

    def _new_worker(self, place: int) -> ProcessPoolExecutor:
        """A worker with the driver's current environment variables; its process starts at its first task."""
        environment = {**os.environ, **on_gpu(place, self._gpus)}
        context = multiprocessing.get_context("forkserver")
        executor = ProcessPoolExecutor(
            max_workers=1, context=context, initializer=_prepare_worker, initargs=(environment,)
        )
        self._executors.add(executor)
        return executor

    def _discard(self, executor: ProcessPoolExecutor) -> None:
        executor.shutdown(wait=False, kill_workers=True)
        self._executors.remove(executor)

    def _interrupt(self) -> None:
        for _, _, executor in self._running.values():
            terminate_workers(executor)
        wait(self._running, timeout=GRACE_SECONDS)


def _death(error: BaseException | None) -> str | None:
    """How the worker of a task with this `error` died; None if the task itself raised the error."""
    if isinstance(error, KeyboardInterrupt):  # a SIGTERM from elsewhere
        return "SIGTERM(-15)"
    return (exit_code(error) or "no exit code") if isinstance(error, BrokenProcessPool) else None


def count_workers(n_jobs: int) -> int:
    """The number of workers by joblib's convention: -1 is one per core, -2 all cores but one.

    Raises ConfigError if `n_jobs` is not a number of jobs.
    """
    if not isinstance(n_jobs, int) or isinstance(n_jobs, bool) or n_jobs == 0:
        raise ConfigError(
            f"hydra.launcher.n_jobs={n_jobs!r}: allowed: the number of trials at a time, "
            f"or -1 for one per core, -2 for all cores but one, ..."
        )
    return n_jobs if n_jobs > 0 else max(1, cpu_count() + 1 + n_jobs)


def _prepare_worker(environment: dict[str, str]) -> None:
    """Runs first in a worker: set its environment and signals, and end it if its driver dies.

    A worker without a driver must not write to files that the next driver writes to.
    """
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    np.random.seed()  # noqa: NPY002 # inherited from the server, numpy's own is the same in every worker
    driver = multiprocessing.parent_process()
    assert driver is not None

    def end_with_driver() -> None:
        driver.join()
        os._exit(1)

    threading.Thread(target=end_with_driver, daemon=True).start()
