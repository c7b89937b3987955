"""`hydra/launcher=ray`: a running ray cluster, or one started on this machine.

Actors run the parcels, as many as the cluster has CPUs for. An actor that dies costs only its own parcel.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import ray
from ray.util.queue import Empty, Full, Queue

from dqn_exp.borrowed import why_silent
from dqn_exp.config import ConfigError
from dqn_exp.workers.clusters.cluster import ADDRESSES, Answer, ClusterLost, Line, Parcel, WorkerLost
from dqn_exp.workers.clusters.host import host, stop
from dqn_exp.workers.pool import count_workers
from dqn_exp.workers.server import interrupts_blocked

LOOK_SECONDS = 1.0
"""Seconds between two checks of the cluster's head and resources."""
CONNECT_SECONDS = 5.0
WAIT_SECONDS = 10.0
"""Seconds that a newly started head may take until it listens."""
ANSWER_SECONDS = 15.0
"""Seconds that a head which listens may take to answer."""
SEND_SECONDS = 5
ROOM = 64
"""The most archives that wait for the driver."""


class RayWorker:
    """An actor that runs parcels one after another and can be told to stop meanwhile."""

    def host(self, parcel: Parcel, line: Line) -> Answer:
        return host(parcel, line)

    def stop(self, key: str) -> None:
        stop(key)


class RayCluster:
    def __init__(
        self, address: str | None, n_jobs: int, cpus_per_trial: float = 1, gpus_per_trial: float = 0
    ) -> None:
        """Connect to `address`, or start a cluster with `n_jobs` CPUs on this machine (-1: one per core).

        Raises ConfigError if no cluster answers.
        """
        self.name = f"the ray cluster at {address}" if address else "ray's cluster on this machine"
        self.capacity = 0
        self._needs = {"CPU": cpus_per_trial, "GPU": gpus_per_trial}
        self._connect(address, n_jobs)
        self._head = ray.get_runtime_context().gcs_address.rpartition(":")
        self._new_worker = ray.remote(RayWorker).options(
            num_cpus=cpus_per_trial, num_gpus=gpus_per_trial, max_concurrency=4, max_restarts=0
        )
        self._mail = Queue(ROOM, actor_options={"num_cpus": 0})
        self.idle: list[Any] = []
        self._looked = -LOOK_SECONDS

    def _connect(self, address: str | None, n_jobs: int) -> None:
        own = {} if address else {"num_cpus": count_workers(n_jobs), "include_dashboard": False}
        if address is None:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # otherwise ray sends usage data
            os.environ.setdefault("RAY_worker_niceness", "0")  # trials count as much as other programs
        handler = signal.getsignal(signal.SIGTERM)
        try:
            if address is not None:
                _await_answer(address)
            with interrupts_blocked():
                ray.init(
                    address=address or "local",
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    **own,
                )
        except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
            raise ConfigError(
                f"hydra.launcher.address={address}: no ray cluster answers ({error}); allowed: "
                f"{ADDRESSES['ray']}"
            ) from None
        finally:
            signal.signal(signal.SIGTERM, handler)  # ray's handler ends the program silently

    def look(self) -> Iterator[tuple[str, bytes]]:
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._ask_head()
            self._looked = time.monotonic()
        with suppress(Empty, ray.exceptions.RayError):
            yield from self._mail.get_nowait_batch(min(self._mail.qsize(), ROOM))

    def _ask_head(self) -> None:
        """Update the capacity. Checks the head first, because ray ends the program silently if it is gone."""
        host, _, port = self._head
        try:
            socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
            there = ray.cluster_resources()
        except (OSError, ray.exceptions.RayError):
            raise ClusterLost(self.name) from None
        self.capacity = int(min(there.get(kind, 0) // need for kind, need in self._needs.items() if need))

    def begin(self, parcel: Parcel) -> RayCall:
        worker = self.idle.pop() if self.idle else self._new_worker.remote()
        return RayCall(self, parcel.key, worker, worker.host.remote(parcel, RayLine(parcel.key, self._mail)))

    def close(self) -> None:
        ray.shutdown()


def _await_answer(address: str) -> None:
    """Raises OSError unless a cluster answers at `address`."""
    if address != "auto":
        _await_listener(address)
    reason = why_silent(address, ANSWER_SECONDS)
    if reason is not None:
        raise ConnectionError(reason)


def _await_listener(address: str) -> None:
    """Wait until something listens at `address`; raises OSError if nothing does within `WAIT_SECONDS`."""
    host, _, port = address.rpartition(":")
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
            return
        except OSError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.2)


class RayCall:
    def __init__(self, cluster: RayCluster, key: str, worker: Any, answer: Any) -> None:
        self._cluster, self._key, self._worker, self._answer = cluster, key, worker, answer

    def is_over(self) -> bool:
        return bool(ray.wait([self._answer], timeout=0)[0])

    def answer(self) -> Answer:
        try:
            answer: Answer = ray.get(self._answer)
        except ray.exceptions.RayError as error:
            lines = str(error).splitlines() or [type(error).__name__]
            raise WorkerLost(f"the ray worker is gone: {lines[0]}") from None
        self._cluster.idle.append(self._worker)
        return answer

    def stop(self) -> None:
        self._worker.stop.remote(self._key)


@dataclass(frozen=True)
class RayLine:
    key: str
    queue: Queue

    def is_cut(self) -> bool:
        return False  # ray itself ends the workers of a lost driver

    def send(self, archive: bytes) -> None:
        with suppress(Full, ray.exceptions.RayError):
            self.queue.put((self.key, archive), timeout=SEND_SECONDS)
