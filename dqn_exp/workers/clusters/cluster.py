"""The interface of a cluster, which sends parcels to machines and returns answers; one file for each kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ADDRESSES = {
    "dask": "address of a dask scheduler, such as tcp://host:8786, or null for this command's own cluster",
    "ray": (
        "host:6379 of a ray cluster's head, auto on one of its machines, or null for this command's own "
        "cluster"
    ),
}
"""The allowed values of `hydra.launcher.address`, by the kind of cluster."""


class WorkerLost(Exception):
    """The machine or process that ran a parcel is gone; the message says how."""


class ClusterLost(RuntimeError):
    """The cluster is gone and can no longer run parcels; finished trials are kept."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is gone. The sweep's directory has all finished trials; start the cluster again, and "
            f"the same command continues."
        )


class Refused(Exception):
    """A machine cannot run a parcel, and no other machine could; the message says what to change."""


class Place(Protocol):
    """The location of a task's files on the machine that runs the task."""

    @property
    def root(self) -> Path | None:
        """The folder that the files were moved to; None if they are in the driver's own folders."""

    @property
    def directories(self) -> tuple[Path, ...]:
        """The directories of the task's trials."""

    def archive(self) -> bytes | None:
        """An archive of all current files, to be sent to the driver; None if the driver sees the files."""


class Files(Protocol):
    """How the files of a task get to a machine; this object is sent with the task."""

    @property
    def every(self) -> float | None:
        """Seconds between two archives sent while the task runs; None if none are sent."""

    def opened(self) -> AbstractContextManager[Place]:
        """Called on the machine: put the files in place. Raises Refused."""


@dataclass(frozen=True)
class Parcel:
    """A task that is sent to a machine."""

    key: str
    content: bytes
    """The pickled function and task; only the process of the task unpickles them."""
    files: Files
    folder: Path
    """The working directory of the driver, to which names of modules and files are relative."""
    environment: Mapping[str, str]
    """The driver's environment variables; they are set on machines that lack them."""
    patience: float | None
    preload: bool
    needs_gpu: bool


@dataclass(frozen=True)
class Answer:
    """The outcome of a parcel."""

    content: bytes | None = None
    """Value and error, pickled by the process of the task; None if that process died."""
    archive: bytes | None = None
    death: str | None = None
    stuck: bool = False
    refusal: str | None = None


class Line(Protocol):
    """The connection from the machine that runs a parcel to the driver; it is sent with the parcel."""

    def is_cut(self) -> bool:
        """Whether the driver is gone."""

    def send(self, archive: bytes) -> None:
        """Send an archive of the current files to the driver, if it can receive it."""


class Call(Protocol):
    """A parcel that a cluster has accepted."""

    def is_over(self) -> bool: ...

    def answer(self) -> Answer:
        """The answer of a finished call; raises WorkerLost."""

    def stop(self) -> None:
        """Ask the parcel to end soon."""


class Cluster(Protocol):
    """Accepts parcels; used by one thread only."""

    name: str
    """What the cluster is and where, for messages."""
    capacity: int
    """The number of parcels that it could run at a time at the latest `look`."""

    def look(self) -> Iterable[tuple[str, bytes]]:
        """Update the state; return the keys and archives received since the last look. Raises ClusterLost."""

    def begin(self, parcel: Parcel) -> Call:
        """Accept a parcel; it is sent at the next `look` at the latest."""

    def close(self) -> None:
        """Disconnect; end everything that was started only for this command."""
