"""`hydra/launcher=dask`: a dask scheduler at an address, or a dask cluster started on this machine.

This module chooses the worker of each parcel, and gives a worker as many parcels at a time as it has threads.
A worker that dies therefore costs only its own parcels, and the scheduler does not retry them by itself.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from distributed import Client, Future, LocalCluster, Queue, Security, get_client
from distributed.comm import connect

from dqn_exp.borrowed import is_abandoned
from dqn_exp.config import ConfigError
from dqn_exp.workers.clusters.cluster import ADDRESSES, Answer, ClusterLost, Parcel, WorkerLost
from dqn_exp.workers.clusters.host import host, stop
from dqn_exp.workers.pool import count_workers
from dqn_exp.workers.server import interrupts_blocked

CONNECT_SECONDS = 10
ANSWER_SECONDS = 15
"""Seconds until a scheduler answers, connecting included."""
SEND_SECONDS = 5
"""If the driver does not accept an archive within so many seconds, the archive is dropped."""
ROOM = 64
"""The most archives that wait for the driver."""


class DaskCluster:
    def __init__(self, address: str | None, n_jobs: int) -> None:
        """Connect to `address`, or start `n_jobs` workers on this machine (-1: one per core).

        Raises ConfigError if no scheduler answers.
        """
        self.name = f"the dask cluster at {address}" if address else "dask's cluster on this machine"
        self.capacity = 0
        self._calls: list[DaskCall] = []
        self.threads: dict[str, int] = {}
        """The number of threads of each worker, by its address."""
        for name in filter(lambda name: name.startswith("distributed"), logging.root.manager.loggerDict):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # this program reports what matters
        self._own: LocalCluster | None = None
        with interrupts_blocked():
            if address is None:
                n = count_workers(n_jobs)
                self._own = LocalCluster(n_workers=n, threads_per_worker=1, dashboard_address=None)
            self.client = self._connected(address)
        self._mail = Queue(f"dqn_exp-{uuid.uuid4().hex}", client=self.client, maxsize=ROOM)

    def _connected(self, address: str | None) -> Client:
        try:
            if address is not None:
                with ThreadPoolExecutor(1) as thread:  # this one may run an event loop, as in a notebook
                    thread.submit(asyncio.run, _await_answer(address)).result()
            return Client(self._own or address, timeout=CONNECT_SECONDS, set_as_default=False)
        except Exception as error:  # of many kinds, depending on the protocol
            raise ConfigError(
                f"hydra.launcher.address={address}: no scheduler answers ({_first_cause(error)}); allowed: "
                f"{ADDRESSES['dask']}"
            ) from None

    def look(self) -> Iterator[tuple[str, bytes]]:
        with self.reached():
            self.threads = self.client.nthreads()
            mail = self._mail.get(batch=True) if self._mail.qsize() else ()
        self._calls = [call for call in self._calls if not call.is_over()]
        self.capacity = sum(self.threads.values())
        yield from mail

    def begin(self, parcel: Parcel) -> DaskCall:
        busy = Counter(call.address for call in self._calls)
        address = max(self.threads, key=lambda address: self.threads[address] - busy[address], default="")
        line = DaskLine(parcel.key, self._mail.name)
        with self.reached():
            future = self.client.submit(host, parcel, line, key=parcel.key, workers=[address], pure=False)
        self._calls.append(DaskCall(self, address, future))
        return self._calls[-1]

    @contextmanager
    def reached(self) -> Iterator[None]:
        """Wrap a request to the scheduler; raises ClusterLost if the scheduler is gone."""
        if self.client.status != "running":
            raise ClusterLost(self.name)
        try:
            yield
        except (OSError, TimeoutError, RuntimeError):  # RuntimeError: the client was closed meanwhile
            raise ClusterLost(self.name) from None

    def close(self) -> None:
        with suppress(ClusterLost), self.reached():
            self._mail.close()
        self.client.close(timeout=CONNECT_SECONDS)
        if self._own is not None:
            self._own.close(timeout=CONNECT_SECONDS)


def _first_cause(error: BaseException) -> str:
    """What the deepest of its causes says that says anything."""
    deeper = _first_cause(error.__cause__) if error.__cause__ else ""
    return deeper or str(error)


async def _await_answer(address: str) -> None:
    """Raise an exception unless dask answers at `address`; a `Client` would wait for ever."""
    connection = connect(address, timeout=CONNECT_SECONDS, **Security().get_connection_args("client"))
    try:
        comm = await asyncio.wait_for(connection, ANSWER_SECONDS)
    except TimeoutError:
        raise TimeoutError(f"no answer within {ANSWER_SECONDS:g} seconds") from None
    comm.abort()


class DaskCall:
    def __init__(self, cluster: DaskCluster, address: str, future: Future) -> None:
        self.address, self._cluster, self._future = address, cluster, future

    def is_over(self) -> bool:
        return self._future.done() or self.address not in self._cluster.threads

    def answer(self) -> Answer:
        if not self._future.done():
            self._future.cancel()
            raise WorkerLost(f"the dask worker {self.address} is gone")
        try:
            error = self._future.exception()
            if error is not None:
                raise WorkerLost(f"the dask worker {self.address} failed: {type(error).__name__}: {error}")
            answer: Answer = self._future.result()
        except CancelledError:  # only the client cancels, when it has lost the scheduler
            raise ClusterLost(self._cluster.name) from None
        return answer

    def stop(self) -> None:
        with self._cluster.reached():
            self._cluster.client.run(stop, self._future.key, workers=[self.address], on_error="ignore")


@dataclass(frozen=True)
class DaskLine:
    key: str
    queue: str

    def is_cut(self) -> bool:
        return is_abandoned(self.key)

    def send(self, archive: bytes) -> None:
        with suppress(TimeoutError, OSError):
            Queue(self.queue, client=get_client()).put((self.key, archive), timeout=SEND_SECONDS)
