"""Stores the contents of many files in one Parquet file. A damaged Parquet file is not read."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dqn_exp.runs import write_atomic

FORMAT = b"1"
"""Version of this format. Files of another version are not read."""
MARK = b"dqn_exp"
"""The metadata key of the format."""
Content = bytes | memoryview


class Stamp(NamedTuple):
    """Identifies the state of a file, to notice a change or replacement. No program can set the last two."""

    size: int
    modified: int
    """Nanoseconds, like `changed`."""
    changed: int
    inode: int


class Entry(NamedTuple):
    """One file: its stamp when it was read, and its content."""

    stamp: Stamp
    content: Content


def read_entries(path: Path) -> dict[str, Entry]:
    """The entries that `write_entries` wrote, by key; {} if missing, damaged or of another version."""
    try:
        content = path.read_bytes()
        return _entries(content)
    except FileNotFoundError:
        return {}
    except Exception:  # the cached files can still be read themselves
        return {}


def _entries(content: bytes) -> dict[str, Entry]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
    schema = file.schema_arrow
    if (schema.metadata or {}).get(MARK) != FORMAT or not schema.equals(_schema()):
        return {}
    table = file.read(use_threads=False).combine_chunks()
    keys, *stamps = (table[name].to_pylist() for name in ("key", *Stamp._fields))
    return {
        key: Entry(Stamp(*stamp), cell)
        for key, stamp, cell in zip(keys, zip(*stamps, strict=True), _cells(table["content"]), strict=True)
    }


def _cells(column: Any) -> list[memoryview]:
    """The contents of the cells, without copying them."""
    cells: list[memoryview] = []
    for chunk in column.chunks:
        _, offsets, values = chunk.buffers()
        ends = np.frombuffer(offsets, np.int64)[chunk.offset : chunk.offset + len(chunk) + 1].tolist()
        whole = memoryview(values) if values is not None else memoryview(b"")
        cells += [whole[low:high] for low, high in pairwise(ends)]
    return cells


def write_entries(path: Path, entries: Mapping[str, Entry]) -> None:
    """Replace the file `path` by these entries. If an error is raised, the old file is intact."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stamps = zip(*(entry.stamp for entry in entries.values()), strict=True)
    columns = [list(entries), *map(list, stamps), [entry.content for entry in entries.values()]]
    table = pa.table(columns, schema=_schema())
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True, write_statistics=False)
    write_atomic(path, memoryview(sink.getvalue()))


def _schema() -> Any:
    import pyarrow as pa

    stamp = [(name, pa.uint64() if name == "inode" else pa.int64()) for name in Stamp._fields]
    fields = [("key", pa.string()), *stamp, ("content", pa.large_binary())]
    return pa.schema(fields, metadata={MARK: FORMAT})
