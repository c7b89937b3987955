"""The workers of an engine on a cluster."""

from __future__ import annotations

import os
import pickle
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dqn_exp.borrowed import dumps
from dqn_exp.config import ConfigError
from dqn_exp.workers.clusters.cluster import Answer, Call, Cluster, ClusterLost, Files, Parcel, WorkerLost
from dqn_exp.workers.clusters.files import Portable, SharedFiles, sent_files, unpack, unpack_results
from dqn_exp.workers.engine import Done
from dqn_exp.workers.pool import GRACE_SECONDS

LOOK_SECONDS = 0.1
"""Seconds between two looks at the cluster."""


@dataclass(frozen=True)
class Travel:
    """How tasks are sent to machines and run there."""

    checkpoint_seconds: float | None = None
    """Seconds between two archives of a running task; None if the machines see our folders."""
    patience: float | None = None
    """Seconds without a step after which a task's process is killed; None: it never is."""
    preload: bool = True
    """Whether modules that trials need may be imported before their environment variables are set."""


class RemoteWorkers:
    """The `Workers` of an engine on `cluster`: at most `limit`, or as many as the cluster has."""

    def __init__(
        self, cluster: Cluster, function: Callable[[Any], Any], travel: Travel, limit: int | None = None
    ) -> None:
        self._cluster, self._function, self._travel, self._limit = cluster, function, travel, limit
        self._environment = dict(os.environ)
        self._running: dict[str, tuple[Any, Call]] = {}
        self._markers: dict[Path, Path] = {}
        self._look()

    @property
    def running(self) -> list[Any]:
        return [task for task, _ in self._running.values()]

    @property
    def idle_workers(self) -> int:
        """The number of idle workers. If nothing is running, waits until there is at least one."""
        if not self._running:
            self._await_capacity()
        return self._idle()

    def submit(self, task: Any) -> None:
        key = f"dqn_exp-{uuid.uuid4().hex}"
        parcel = Parcel(
            key,
            dumps((self._function, task)),
            self._files(task),
            Path.cwd(),
            self._environment,
            self._travel.patience,
            self._travel.preload,
            isinstance(task, Portable) and task.needs_gpu,
        )
        self._running[key] = task, self._cluster.begin(parcel)

    def stop(self, task: Any) -> None:
        for running, call in self._running.values():
            if running is task:
                call.stop()

    def wait(self, timeout: float | None = None) -> Iterator[Done]:
        """Like `Workers.wait`; also returns, without a task, when a worker has joined."""
        deadline, idle = time.monotonic() + (float("inf") if timeout is None else timeout), self._idle()
        while True:
            self._look()
            over = [key for key, (_, call) in self._running.items() if call.is_over()]
            if over or self._idle() > idle or time.monotonic() >= deadline:
                break
            time.sleep(LOOK_SECONDS)
        for key in over:
            yield self._done(key)

    def close(self, kill: bool = False) -> None:
        """Close the cluster. With kill=True, tasks are stopped and get `GRACE_SECONDS` to send records."""
        deadline = time.monotonic() + GRACE_SECONDS if kill else float("inf")
        with suppress(ClusterLost, ConfigError):
            for _, call in self._running.values() if kill else ():
                call.stop()
            while self._running and time.monotonic() < deadline:
                for _ in self.wait(LOOK_SECONDS):
                    pass
        for marker in self._markers.values():
            marker.unlink(missing_ok=True)
        self._cluster.close()

    def _idle(self) -> int:
        there = self._cluster.capacity
        return max(0, (there if self._limit is None else min(there, self._limit)) - len(self._running))

    def _await_capacity(self) -> None:
        if self._cluster.capacity < 1:
            print(f"Waiting for the first worker of {self._cluster.name}", flush=True)
        while self._cluster.capacity < 1:
            time.sleep(LOOK_SECONDS)
            self._look()

    def _look(self) -> None:
        """Update the cluster's state, and store files that running tasks have sent."""
        for key, archive in self._cluster.look():
            if key in self._running:
                unpack(archive, self._running[key][0].directory)

    def _done(self, key: str) -> Done:
        task, call = self._running.pop(key)
        try:
            answer = call.answer()
        except WorkerLost as lost:
            return Done(task, error=lost, death=str(lost))
        if answer.refusal is not None:
            raise ConfigError(answer.refusal)
        if answer.archive is not None:
            unpack_results(answer.archive, task.directory)
        return _outcome(task, answer)

    def _files(self, task: Any) -> Files:
        if self._travel.checkpoint_seconds is not None:
            return sent_files(task, self._travel.checkpoint_seconds)
        if not isinstance(task, Portable):
            return SharedFiles()
        absolute = tuple(Path(os.path.abspath(directory)) for directory in task.directories)
        return SharedFiles(absolute, self._marker(Path(os.path.abspath(task.directory)).parent))

    def _marker(self, folder: Path) -> Path:
        """A file in `folder` by which a worker checks that it sees the same folder."""
        if folder not in self._markers:
            folder.mkdir(parents=True, exist_ok=True)
            marker = folder / f".shared-{uuid.uuid4().hex}.tmp"
            marker.touch()
            self._markers[folder] = marker
        return self._markers[folder]


def _outcome(task: Any, answer: Answer) -> Done:
    if answer.content is None:
        return Done(task, None, WorkerLost(answer.death), answer.death, answer.stuck)
    value, error = pickle.loads(answer.content)
    return Done(task, value, error)
