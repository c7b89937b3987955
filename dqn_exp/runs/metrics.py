"""Append-only metric files: CSV with a checksum in every line.

A line is `value,...,crc`, where `crc` is the CRC-32 of the text before its comma. A process that dies while
writing leaves at most one incomplete last line. Readers drop it with a warning; writers cut it off. Any
other mismatch with a checksum is damage and raises an error.
"""

from __future__ import annotations

import os
import warnings
import zlib
from collections.abc import Iterable, Sequence
from numbers import Integral
from pathlib import Path

import numpy as np

from dqn_exp.scores import Floats

KINDS = ("episodes", "evaluations", "losses")
CLOCK = ("episode", "env_step", "update")
COLUMNS: dict[str, tuple[str, ...]] = {
    "episodes": (*CLOCK, "return", "length", "epsilon"),
    "evaluations": (*CLOCK, "mean_return", "std_return", "n_episodes"),
    "losses": (*CLOCK, "loss", "grad_norm", "q_mean", "q_max"),
}
"""The columns of each kind of file. In `losses`, a user's agent has its own scalars after the clock."""


class DamagedMetrics(ValueError):
    """A metrics file has content that a crash of this program cannot explain."""


class TornMetrics(UserWarning):
    """The last line of a metrics file is incomplete and is left out."""


def metrics_path(trial: Path, kind: str) -> Path:
    return trial / f"{kind}.csv"


class MetricsWriter:
    """Appends rows to one metrics file; each row is passed to the operating system immediately."""

    def __init__(self, path: Path, columns: Sequence[str], size: int | None = None) -> None:
        """Continue `path` after its first `size` bytes; 0 starts anew, None keeps all complete lines."""
        self.columns = tuple(columns)
        if size is None:
            size = valid_size(path) if path.exists() else 0
        elif size > 0 and path.stat().st_size < size:
            raise DamagedMetrics(f"{path} is shorter than when its trial was last saved ({size} bytes)")
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115 - owned until close()
        self._file.truncate(size)
        if size == 0:
            self._write(",".join((*self.columns, "crc")) + "\n")

    def append(self, row: Iterable[float | int | bool]) -> None:
        text = ",".join(map(_text, row))
        self._write(f"{text},{zlib.crc32(text.encode()):08x}\n")

    def sync(self) -> int:
        """Force everything to the disk and return the file's size in bytes."""
        os.fsync(self._file.fileno())
        return os.fstat(self._file.fileno()).st_size

    def close(self) -> None:
        self._file.close()

    def _write(self, text: str) -> None:
        data = text.encode()
        while data:  # on a nearly full disk, a write may be partial
            data = data[self._file.write(data) :]


def _text(value: float | int | bool) -> str:
    """The shortest text that is read back as `value`; NumPy's numbers are written as Python's.

    Raises TypeError or ValueError if `value` is not a number.
    """
    if type(value) in _PLAIN:
        return repr(value)
    return repr(int(value) if isinstance(value, Integral) else float(value))


_PLAIN = frozenset((float, int, bool))


def valid_size(path: Path) -> int:
    """The number of bytes of `path` up to the end of its last complete line."""
    return path.read_bytes().rfind(b"\n") + 1


def read_metrics(path: Path) -> tuple[list[str], list[list[str]]]:
    """Column names and rows (as text) of a metrics file, without the checksum column.

    Warns with TornMetrics if the last line is incomplete; raises DamagedMetrics for any other damage.
    """
    whole, _, torn = path.read_bytes().rpartition(b"\n")
    if torn:
        warnings.warn(f"{path}: the last line was cut off and is left out", TornMetrics, stacklevel=2)
    if not whole:
        return [], []
    header, *lines = whole.split(b"\n")
    columns = header.decode(errors="replace").split(",")
    known = CLOCK if path.stem == "losses" else COLUMNS.get(path.stem, ())
    if columns.pop() != "crc" or tuple(columns[: len(known)]) != known:
        raise DamagedMetrics(f"{path}: line 1 is not the header of a metrics file")
    rows = []
    for number, line in enumerate(lines, start=2):
        content, _, crc = line.rpartition(b",")
        if b"%08x" % zlib.crc32(content) != crc:
            raise DamagedMetrics(f"{path}: line {number} does not match its checksum")
        row = content.decode().split(",")
        if len(row) != len(columns):
            raise DamagedMetrics(f"{path}: line {number} has {len(row)} of {len(columns)} values")
        rows.append(row)
    return columns, rows


def read_columns(path: Path) -> dict[str, Floats]:
    """The columns of a metrics file by name, [rows] each; {} if there is no file.

    Booleans are read as 1 and 0. Warns and raises as `read_metrics` does.
    """
    if not path.exists():
        return {}
    names, rows = read_metrics(path)
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return {
        name: np.array([float(_BOOLEANS.get(text, text)) for text in texts])
        for name, texts in zip(names, columns, strict=True)
    }


_BOOLEANS = {"True": 1.0, "False": 0.0}
