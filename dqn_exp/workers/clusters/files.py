"""The files of a task on another machine: in a shared folder, or sent there and back as archives.

Files are read and unpacked in an order that keeps a trial's directory consistent at any moment: a checkpoint
is never newer than the metrics next to it, and the result is written last.
"""

from __future__ import annotations

import importlib.util
import io
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol, Self, runtime_checkable

from dqn_exp.runs import CHECKPOINT, LOCK, RESULT, directory_lock, is_locked, write_atomic
from dqn_exp.workers.clusters.cluster import Refused

SCRATCH = "dqn_exp-task-"
"""The prefix of the names of a machine's folders for tasks; no other folder is ever removed."""
SCRATCH_SECONDS = 60.0
"""An unlocked folder older than so many seconds is abandoned: no process is about to lock it."""
CODE = "code"
"""The subfolder of a machine's folder for a task that contains the user's modules."""


@runtime_checkable
class Portable(Protocol):
    """A task that writes files, whose location may be changed."""

    @property
    def directory(self) -> Path:
        """The directory of all its files."""

    @property
    def directories(self) -> Sequence[Path]:
        """The directories of its trials: `directory` itself, or below it."""

    @property
    def imports(self) -> Sequence[str]:
        """The user's modules that it needs."""

    @property
    def needs_gpu(self) -> bool: ...

    def moved(self, folder: Path) -> Self:
        """The same task with its files below `folder`, on a machine that does not see the driver's files."""


@dataclass(frozen=True)
class Here:
    """Files that stay in the driver's folders."""

    directories: tuple[Path, ...] = ()
    root: Path | None = None

    def archive(self) -> None:
        return None


@dataclass(frozen=True)
class SharedFiles:
    """For machines that see the driver's folders."""

    directories: tuple[Path, ...] = ()
    marker: Path | None = None
    """A file that the driver created in the sweep's folder, to test whether the machine sees it."""
    every: float | None = None

    @contextmanager
    def opened(self) -> Iterator[Here]:
        if self.marker is not None and not self.marker.exists():
            raise Refused(
                f"hydra.launcher.shared=true: a worker cannot read {self.marker.parent}; allowed: a "
                f"directory that all machines see (hydra.sweep.dir=...), or hydra.launcher.shared=false"
            )
        yield Here(self.directories)


@dataclass(frozen=True)
class There:
    """Files in a folder of the machine that runs the task."""

    root: Path
    directory: Path
    directories: tuple[Path, ...]

    def archive(self) -> bytes:
        return packed(self.directory)


@dataclass(frozen=True)
class SentFiles:
    """For machines with separate folders: the driver's files are sent there, and the folder is sent back."""

    name: str
    content: bytes
    trials: tuple[PurePosixPath, ...]
    """The directories of trials, relative to the task's directory."""
    code: bytes
    every: float | None

    @contextmanager
    def opened(self) -> Iterator[There]:
        with scratch() as root:
            directory = root / self.name
            unpack(self.content, directory)
            unpack(self.code, root / CODE)
            yield There(root, directory, tuple(directory / trial for trial in self.trials))


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder for one task; removes folders that dead workers have left."""
    for lock in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*/{LOCK}"):
        left = lock.parent
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > SCRATCH_SECONDS and not is_locked(left):
                shutil.rmtree(left)
    made = tempfile.TemporaryDirectory(prefix=SCRATCH, ignore_cleanup_errors=True)
    with made as root, directory_lock(Path(root)):
        yield Path(root)


def sent_files(task: object, every: float) -> SentFiles | SharedFiles:
    """The driver's files that a machine needs for `task`."""
    if not isinstance(task, Portable):
        return SharedFiles()
    trials = [directory.relative_to(task.directory) for directory in task.directories]
    return SentFiles(
        task.directory.name,
        packed(task.directory),
        tuple(PurePosixPath(trial) for trial in trials),
        packed_modules(task.imports, Path.cwd()),
        every,
    )


def packed(directory: Path) -> bytes:
    """The files below `directory` as an archive; they may change meanwhile."""
    paths = [path for path in directory.rglob("*") if path.is_file() and not _is_temporary(path)]
    return _archive((path, path.relative_to(directory)) for path in sorted(paths, key=_order, reverse=True))


def packed_modules(names: Iterable[str], folder: Path) -> bytes:
    """The source files below `folder` of the modules in `names`, with their packages, as an archive."""
    paths: set[Path] = set()
    for name in {name.partition(".")[0] for name in names}:
        spec = importlib.util.find_spec(name)
        if spec is not None:
            packages = [Path(place) for place in spec.submodule_search_locations or ()]
            paths.update(path for package in packages for path in package.rglob("*.py"))
            paths.update([Path(spec.origin)] if spec.origin else ())
    return _archive((path, path.relative_to(folder)) for path in paths if path.is_relative_to(folder))


def unpack(archive: bytes, directory: Path) -> None:
    """Write the files of `archive` below `directory`; each file is replaced as a whole."""
    directory.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        for member in sorted(opened.getmembers(), key=lambda member: _order(Path(member.name))):
            path = directory / member.name
            if not path.resolve().is_relative_to(directory.resolve()):
                raise ValueError(f"{member.name} lies outside the directory")
            path.parent.mkdir(parents=True, exist_ok=True)
            content = opened.extractfile(member)
            assert content is not None
            write_atomic(path, content.read())


def unpack_results(archive: bytes, directory: Path) -> None:
    """Write the files of a finished task below `directory`; remove checkpoints that it no longer has."""
    unpack(archive, directory)
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        archived = {directory / name for name in opened.getnames()}
    for checkpoint in set(directory.rglob(CHECKPOINT)) - archived:
        checkpoint.unlink()


def _archive(files: Iterable[tuple[Path, Path]]) -> bytes:
    """An archive of `files`: pairs of path and name in the archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for path, name in files:
            with suppress(FileNotFoundError):  # it was removed meanwhile
                content = path.read_bytes()
                info = tarfile.TarInfo(name.as_posix())
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _is_temporary(path: Path) -> bool:
    """Whether the file is a lock or a temporary file."""
    return path.name == LOCK or path.match(".*.tmp")


def _order(path: Path) -> tuple[int, str]:
    """The order in which files are written; they are read in reverse order."""
    return (CHECKPOINT, RESULT).index(path.name) + 1 if path.name in (CHECKPOINT, RESULT) else 0, str(path)
