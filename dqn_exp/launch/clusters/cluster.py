"""What a kind of cluster offers: it carries parcels to machines, and answers back. One file for each kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ADDRESSES = {
    "dask": (
        "the address of a dask scheduler, such as tcp://host:8786, or null for a cluster of this command's "
        "own"
    ),
    "ray": (
        "host:6379 of a ray cluster's head, auto on one of its machines, or null for a cluster of this "
        "command's own"
    ),
}
"""What `hydra.launcher.address` may be, by the kind of cluster."""


class WorkerLost(Exception):
    """The machine or process that had a parcel is gone; the message says how."""


class ClusterLost(RuntimeError):
    """Nobody is there any more who could carry parcels; what was finished is kept."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is gone. What had ended is in the sweep's directory; start the cluster again, and "
            f"the same command continues."
        )


class Refused(Exception):
    """A machine cannot run what it was sent, and no other would; the message says what to change."""


class Place(Protocol):
    """Where the files of a task are on the machine that runs it."""

    @property
    def root(self) -> Path | None:
        """The folder that its files were moved to; None where they are where the driver has them."""

    @property
    def directories(self) -> tuple[Path, ...]:
        """Of its trials."""

    def archive(self) -> bytes | None:
        """All files as they are now, to be sent to the driver; None where it sees them."""


class Files(Protocol):
    """How the files of a task come to a machine; travels with it."""

    @property
    def every(self) -> float | None:
        """Seconds from one archive to the next that is sent while the task runs; None: none is."""

    def opened(self) -> AbstractContextManager[Place]:
        """On the machine: put the files in place; raises Refused."""


@dataclass(frozen=True)
class Parcel:
    """A task on its way to a machine."""

    key: str
    content: bytes
    """Function and task, which only the process of the task unpacks."""
    files: Files
    folder: Path
    """Where the driver was started: where names of modules and files begin."""
    environment: Mapping[str, str]
    """Variables of the driver, for machines that lack them."""
    patience: float | None
    preload: bool
    needs_gpu: bool


@dataclass(frozen=True)
class Answer:
    """What became of a parcel."""

    content: bytes | None = None
    """Value and error, pickled by the process of the task; None where that died."""
    archive: bytes | None = None
    death: str | None = None
    stuck: bool = False
    refusal: str | None = None


class Line(Protocol):
    """From the machine that runs a parcel to the driver that sent it; travels with the parcel."""

    def is_cut(self) -> bool:
        """Has the driver gone away?"""

    def send(self, archive: bytes) -> None:
        """Let the driver have the files as they are now, if it can take them."""


class Call(Protocol):
    """A parcel that a cluster has taken."""

    def is_over(self) -> bool: ...

    def answer(self) -> Answer:
        """Of a call that is over; raises WorkerLost."""

    def stop(self) -> None:
        """Ask for its end: it will be over soon."""


class Cluster(Protocol):
    """Takes parcels; used by one thread."""

    name: str
    """For messages: what it is, and where."""
    capacity: int
    """How many parcels it could run at a time when we last looked."""

    def look(self) -> Iterable[tuple[str, bytes]]:
        """See what has changed; keys and archives that have been sent since. Raises ClusterLost."""

    def begin(self, parcel: Parcel) -> Call:
        """Take a parcel; it is carried at the latest when we look again."""

    def close(self) -> None:
        """Leave it; end what was started for this command alone."""
