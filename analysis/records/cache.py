"""A cache in a sweep's directory: the contents of its many small files in a few large ones.

It holds only the contents of the files, no derived numbers, so tables are the same with and without it. A
file is read again if its size, times or inode have changed. Damaged or torn files are never cached, so their
warning appears each time. Without pyarrow, or if anything is wrong with a cache, the files themselves are
read.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from analysis.records.disk import Curve, Paths, as_list
from analysis.records.parquet import Content, Entry, Stamp, read_entries, write_entries
from dqn_exp.runs import MANIFEST, read_columns, read_json, remove_leftovers, valid_size

FOLDER = ".cache"
"""Name of the folder below a sweep's directory; hidden, so that it is not searched for trials."""
PAYS_FROM = 200
"""The fewest trials of a sweep for which a cache is written; fewer files are read just as quickly."""
RENEWED_FROM = 0.05
"""The smallest share of newly read files for which a cache is written again."""
SETTLED_SECONDS = 2.0
"""A file that changed less than this before it was read is not cached yet: it may change again within one
tick of the file system's clock."""


@contextmanager
def cached(paths: Paths) -> Iterator[Cache]:
    """A cache for reading the records below `paths`; it is saved at the end if that is worthwhile."""
    cache = Cache(as_list(paths))
    yield cache
    cache.save()


class Cache:
    """Reads records with the same values, errors and warnings as `read_json` and `read_columns`."""

    def __init__(self, places: Sequence[Path]) -> None:
        self._places = frozenset(map(str, places))
        self._began = time.monotonic_ns()
        self._sweeps: dict[str, str | None] = {}
        self._shelves: dict[tuple[str, str], Shelf] = {}

    def json(self, path: Path) -> Any:
        return self._read(path, JSON)

    def columns(self, path: Path) -> Curve:
        try:
            columns: Curve = self._read(path, COLUMNS)
            return columns
        except (FileNotFoundError, NotADirectoryError):
            return {}

    def save(self) -> None:
        """Write the caches that are worthwhile. Errors are ignored, because a cache is optional."""
        for shelf in self._shelves.values():
            with suppress(Exception):
                shelf.save(time.monotonic_ns() - self._began)

    def _read(self, path: Path, form: Form) -> Any:
        trial, name = split(str(path))  # as text: Path objects take longer than reading the file
        sweep = None if trial in self._places else self._sweep(split(trial)[0])
        if sweep is None:
            return form.read(path)
        if (sweep, name) not in self._shelves:
            self._shelves[sweep, name] = Shelf(Path(sweep, FOLDER, f"{name}.parquet"))
        key = trial if sweep == "." else trial[len(sweep) + 1 :]
        return self._shelves[sweep, name].get(key, path, form)

    def _sweep(self, folder: str) -> str | None:
        """The innermost sweep that contains `folder` and lies in the paths that are read, or None."""
        if folder not in self._sweeps:
            if os.path.exists(os.path.join(folder, MANIFEST)):
                self._sweeps[folder] = folder
            else:
                above = split(folder)[0]
                is_top = folder in self._places or above == folder
                self._sweeps[folder] = None if is_top else self._sweep(above)
        return self._sweeps[folder]


def split(path: str) -> tuple[str, str]:
    """The folder that `path` is in, and its name there."""
    folder, name = os.path.split(path)
    return folder or ".", name


class Form(NamedTuple):
    """How one kind of file is read, packed into bytes and unpacked."""

    read: Callable[[Path], Any]
    pack: Callable[[Any], bytes]
    unpack: Callable[[Content], Any]
    """Raises ValueError if the bytes cannot be unpacked."""
    is_whole: Callable[[Path, Stamp], bool]
    """Is the file complete, so that reading it gave no warning?"""


class Shelf:
    """The cached files of one name below a sweep."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = read_entries(path)
        self._kept: dict[str, Entry] = {}
        self._new: set[str] = set()

    def get(self, key: str, path: Path, form: Form) -> Any:
        """The content of the file `path`, cached under `key`; raises and warns like `form.read`."""
        stamp = stamp_of(path)  # before reading, so that a change during reading is noticed next time
        known = self._known.get(key)
        if known is not None and known.stamp == stamp:
            with suppress(ValueError):
                content = form.unpack(known.content)
                self._kept[key] = known
                return content
        content = form.read(path)
        if form.is_whole(path, stamp):
            self._kept[key] = Entry(stamp, form.pack(content))
            self._new.add(key)
        return content

    def save(self, elapsed: int) -> None:
        """Write the cache if that is worthwhile. Reading began `elapsed` nanoseconds ago. Raises errors."""
        if not self._is_worth_it():
            return
        folder = self._path.parent
        folder.mkdir(exist_ok=True)
        remove_leftovers(folder)
        began = clock_of(folder) - elapsed
        for key in list(self._new):
            if self._kept[key].stamp.changed > began - SETTLED_SECONDS * 1e9:
                self._new.remove(key)
                del self._kept[key]
        if self._is_worth_it():
            write_entries(self._path, self._kept)

    def _is_worth_it(self) -> bool:
        total = len(self._kept)
        return total >= PAYS_FROM and len(self._new) >= RENEWED_FROM * total


def stamp_of(path: Path) -> Stamp:
    status = os.stat(path)
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def clock_of(folder: Path) -> int:
    """The current time in nanoseconds, by the clock of the file system of `folder`."""
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.fstat(file.fileno()).st_ctime_ns


def pack_json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def unpack_json(content: Content) -> Any:
    return json.loads(bytes(content))


def pack_columns(columns: Curve) -> bytes:
    """The column names, a line break, and the numbers column by column."""
    values = np.concatenate([np.empty(0), *columns.values()])
    return ",".join(columns).encode() + b"\n" + values.astype("<f8").tobytes()


def unpack_columns(content: Content) -> Curve:
    header, _, values = bytes(content).partition(b"\n")
    names = header.decode().split(",") if header else []
    table = np.frombuffer(values, "<f8").reshape(len(names), -1) if names else ()
    return dict(zip(names, table, strict=True))


def has_no_torn_line(path: Path, stamp: Stamp) -> bool:
    return valid_size(path) == stamp.size


JSON = Form(read_json, pack_json, unpack_json, lambda path, stamp: True)
COLUMNS = Form(read_columns, pack_columns, unpack_columns, has_no_torn_line)
