"""What the many small files of a sweep hold, once more in a few large ones: a cache below its directory.

It holds what is in the files and nothing that is made of it, so that tables are the same with and without
it. A file whose size, times or inode have changed is read again; what is damaged or torn is never kept, so
that its warning comes each time. Without pyarrow, and wherever something is wrong with a cache, the files
themselves are read.
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
from dqn_exp.runs import read_columns, read_json, remove_leftovers, valid_size

FOLDER = ".cache"
"""Below the directory of a sweep; hidden, so that nobody looks for trials in it."""
PAYS_FROM = 200
"""Trials of a sweep from which a cache is written: of fewer, the files are read as quickly."""
RENEWED_FROM = 0.05
"""Share of files read anew from which a cache is written again: less is read again as quickly."""
SETTLED_SECONDS = 2.0
"""What has changed later than so long before it was read may change once more within one tick of the clock of
its file system: it is not kept yet."""


@contextmanager
def cached(paths: Paths) -> Iterator[Cache]:
    """Reads the records below `paths`, and keeps them where that pays when all have been read."""
    cache = Cache(as_list(paths))
    yield cache
    cache.save()


class Cache:
    """Reads records as `read_json` and `read_columns` do: the same values, errors and warnings."""

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
        """Write what is worth it; a cache is no reason to fail, whatever goes wrong with it."""
        for shelf in self._shelves.values():
            with suppress(Exception):
                shelf.save(time.monotonic_ns() - self._began)

    def _read(self, path: Path, form: Form) -> Any:
        trial, name = split(str(path))  # as text: paths as objects take longer than a file is read in
        sweep = None if trial in self._places else self._sweep(split(trial)[0])
        if sweep is None:
            return form.read(path)
        if (sweep, name) not in self._shelves:
            self._shelves[sweep, name] = Shelf(Path(sweep, FOLDER, f"{name}.parquet"))
        key = trial if sweep == "." else trial[len(sweep) + 1 :]
        return self._shelves[sweep, name].get(key, path, form)

    def _sweep(self, folder: str) -> str | None:
        """The innermost sweep that holds `folder` and lies in what is read; None where there is none."""
        if folder not in self._sweeps:
            if os.path.exists(os.path.join(folder, "sweep.json")):
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
    """How the content of one kind of file is read, kept as bytes, and had again."""

    read: Callable[[Path], Any]
    pack: Callable[[Any], bytes]
    unpack: Callable[[Content], Any]
    """Raises ValueError where it cannot be had again."""
    is_whole: Callable[[Path, Stamp], bool]
    """Can what was read be had without a warning?"""


class Shelf:
    """The files of one name below a sweep."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = read_entries(path)
        self._kept: dict[str, Entry] = {}
        self._new: set[str] = set()

    def get(self, key: str, path: Path, form: Form) -> Any:
        """The content of the file `path`, kept under `key`; raises and warns as `form.read` does."""
        stamp = stamp_of(path)  # before it is read: what changes meanwhile does not have it any more
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
        """Write what was read in the last `elapsed` nanoseconds, if it is worth it; raises what fails."""
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
    found = os.stat(path)
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def clock_of(folder: Path) -> int:
    """Now, in nanoseconds, by the clock that times of files in `folder` are told by."""
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.fstat(file.fileno()).st_ctime_ns


def pack_json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def unpack_json(content: Content) -> Any:
    return json.loads(bytes(content))


def pack_columns(columns: Curve) -> bytes:
    """The names, a line break, and the numbers column by column."""
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
