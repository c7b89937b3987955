"""The files of a task on another machine: in a folder that both see, or carried there and back.

An archive is read and unpacked in an order for which a trial is whole at any moment: a checkpoint is older
than the metrics beside it, and a result comes last.
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

from dqn_exp.launch.clusters.cluster import Refused
from dqn_exp.runs import CHECKPOINT, LOCK, RESULT, directory_lock, is_locked, write_atomic

SCRATCH = "dqn_exp-task-"
"""How the name of a machine's folder for a task begins; no other is ever removed."""
SCRATCH_SECONDS = 60.0
"""So old is one that nobody holds, and nobody is about to."""
CODE = "code"
"""Below a machine's folder for a task: the driver's own modules."""


@runtime_checkable
class Portable(Protocol):
    """A task that leaves files, which may be anywhere."""

    @property
    def directory(self) -> Path:
        """Of all its files."""

    @property
    def directories(self) -> Sequence[Path]:
        """Of its trials: `directory`, or below it."""

    @property
    def imports(self) -> Sequence[str]:
        """The modules of the user's own that it needs."""

    @property
    def needs_gpu(self) -> bool: ...

    def moved(self, folder: Path) -> Self:
        """The same task with its files below `folder`, where the driver's files are not to be seen."""


@dataclass(frozen=True)
class Here:
    """Files that are where the driver has them."""

    directories: tuple[Path, ...] = ()
    root: Path | None = None

    def archive(self) -> None:
        return None


@dataclass(frozen=True)
class SharedFiles:
    """The machine sees the driver's folders."""

    directories: tuple[Path, ...] = ()
    marker: Path | None = None
    """A file that the driver has made in the same folder."""
    every: float | None = None

    @contextmanager
    def opened(self) -> Iterator[Here]:
        if self.marker is not None and not self.marker.exists():
            raise Refused(
                f"hydra.launcher.shared=true: a worker does not see {self.marker.parent}; allowed: a "
                f"directory that all machines see (hydra.sweep.dir=...), or hydra.launcher.shared=false"
            )
        yield Here(self.directories)


@dataclass(frozen=True)
class There:
    """Files in a folder of the machine's own."""

    root: Path
    directory: Path
    directories: tuple[Path, ...]

    def archive(self) -> bytes:
        return packed(self.directory)


@dataclass(frozen=True)
class SentFiles:
    """The machine gets what the driver has, and its folder is sent back."""

    name: str
    content: bytes
    trials: tuple[PurePosixPath, ...]
    """Directories of trials below the task's own."""
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
    """A folder of this machine's for one task; those that dead workers have left are removed."""
    for lock in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*/{LOCK}"):
        left = lock.parent
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > SCRATCH_SECONDS and not is_locked(left):
                shutil.rmtree(left)
    made = tempfile.TemporaryDirectory(prefix=SCRATCH, ignore_cleanup_errors=True)
    with made as root, directory_lock(Path(root)):
        yield Path(root)


def sent_files(task: object, every: float) -> SentFiles | SharedFiles:
    """What a machine needs of the driver's files for `task`."""
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
    """The files below `directory` as an archive; they may be written meanwhile."""
    paths = [path for path in directory.rglob("*") if path.is_file() and not _is_passing(path)]
    return _archive((path, path.relative_to(directory)) for path in sorted(paths, key=_order, reverse=True))


def packed_modules(names: Iterable[str], folder: Path) -> bytes:
    """The source below `folder` of the modules called `names`, with their packages, as an archive."""
    found: set[Path] = set()
    for name in {name.partition(".")[0] for name in names}:
        spec = importlib.util.find_spec(name)
        if spec is not None:
            packages = [Path(place) for place in spec.submodule_search_locations or ()]
            found.update(path for package in packages for path in package.rglob("*.py"))
            found.update([Path(spec.origin)] if spec.origin else ())
    return _archive((path, path.relative_to(folder)) for path in found if path.is_relative_to(folder))


def unpack(archive: bytes, directory: Path) -> None:
    """Put the files of `archive` below `directory`; each one is replaced as a whole."""
    directory.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        for member in sorted(opened.getmembers(), key=lambda member: _order(Path(member.name))):
            path = directory / member.name
            if not path.resolve().is_relative_to(directory.resolve()):
                raise ValueError(f"{member.name} lies outside of the directory")
            path.parent.mkdir(parents=True, exist_ok=True)
            content = opened.extractfile(member)
            assert content is not None
            write_atomic(path, content.read())


def take_back(archive: bytes, directory: Path) -> None:
    """Put the files of a task that is over below `directory`; a checkpoint that it has used up is removed."""
    unpack(archive, directory)
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        kept = {directory / name for name in opened.getnames()}
    for checkpoint in set(directory.rglob(CHECKPOINT)) - kept:
        checkpoint.unlink()


def _archive(files: Iterable[tuple[Path, Path]]) -> bytes:
    """Of paths and their names."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for path, name in files:
            with suppress(FileNotFoundError):  # removed meanwhile
                content = path.read_bytes()
                info = tarfile.TarInfo(name.as_posix())
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _is_passing(path: Path) -> bool:
    """Is it a lock, or a file that is just being written?"""
    return path.name == LOCK or path.match(".*.tmp")


def _order(path: Path) -> tuple[int, str]:
    """In which files are written; they are read the other way round."""
    return (CHECKPOINT, RESULT).index(path.name) + 1 if path.name in (CHECKPOINT, RESULT) else 0, str(path)
