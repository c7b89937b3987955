"""Tables as CSV text."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

from analysis.records.axes import SHORT, Axis
from analysis.records.rows import RESULTS, Row, names
from analysis.records.sweep import Sweep


def trial_columns(sweep: Sweep) -> list[str]:
    """Columns of the table of trials: run, axes, seed, results, then the whole configuration."""
    known = names(sweep.rows)
    first = ["run", *(axis.name for axis in sweep.axes), "seed", *RESULTS[1:], *SHORT]
    return list(dict.fromkeys([*(name for name in first if name in known), *known]))


def to_csv(rows: Sequence[Row], columns: Sequence[str] | None = None, axes: Sequence[Axis] = ()) -> str:
    """CSV with a header. Missing values are empty, whole numbers have no decimal point.

    In the columns of `axes` null is "none", so that grouping by an axis does not drop it.
    """
    columns = names(rows) if columns is None else columns
    rows = [{**row, **{axis.name: axis.plain(row.get(axis.name)) for axis in axes}} for row in rows]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(row.get(name)) for name in columns] for row in rows)
    return text.getvalue()


def cell(value: object) -> object:
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return int(value) if value.is_integer() else value
    return "" if value is None else value
