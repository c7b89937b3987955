"""Figures that record what is drawn in them, for a table of numbers and a description in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby, takewhile
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.records import Row
from dqn_exp.text import format_number, format_value

VALUE, LOW, HIGH = "value", "low", "high"
RUN = "run"
"""The column that marks single trials. The description in words gives only their number."""
LISTED = 8
"""The most numbers that the description lists; of more, it gives the smallest and the largest."""


class Drawn(NamedTuple):
    """One kind of mark in one panel."""

    panel: str
    what: str
    columns: Mapping[str, Any]
    """Columns by name; each has one entry per mark [n], or one for all marks. First come the columns of the
    mark's position, then `value` (its height or colour), then further ones such as `low` and `high` of its
    interval."""
    is_described: bool
    """Is it part of the description in words?"""

    def rows(self) -> list[Row]:
        """One row per mark."""
        filled = np.broadcast_arrays(*(np.asarray(column, dtype=object) for column in self.columns.values()))
        cells = zip(*(column.ravel().tolist() for column in filled), strict=True)
        return [dict(zip(self.columns, map(_short, row), strict=True)) for row in cells]

    @property
    def is_curve(self) -> bool:
        """Do its marks form one line?"""
        return np.ndim(next(iter(self.columns.values()))) == 0 and np.size(self.columns[VALUE]) > 1


class Chart(Figure):
    """A figure outside of pyplot's global state. `note` records what was drawn in it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.drawn: list[Drawn] = []

    def table(self) -> list[Row]:
        """One row per mark: panel, kind of mark, position, and its value to six digits."""
        has_panels = any(each.panel for each in self.drawn)
        return [
            {**({"panel": each.panel} if has_panels else {}), "drawn": each.what, **row}
            for each in self.drawn
            for row in each.rows()
        ]

    def words(self) -> str:
        """A description of the figure for readers who cannot see it."""
        described = (each for each in self.drawn if each.is_described)
        kinds = groupby(described, key=lambda each: (each.panel, each.what))
        return " ".join(_sentence(panel, what, list(drawn)) for (panel, what), drawn in kinds)


def note(ax: Axes, what: str, columns: Mapping[str, Any], panel: str = "", is_described: bool = True) -> None:
    """Record that `what` was drawn in `ax` (see `Drawn`). Nothing is recorded if there are no marks."""
    chart = ax.get_figure(root=True)
    if isinstance(chart, Chart) and np.size(columns[VALUE]):
        chart.drawn.append(Drawn(panel, what, columns, is_described))


def _short(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _sentence(panel: str, what: str, drawn: list[Drawn]) -> str:
    head = f"{panel}, {what}" if panel else what
    return f"{head[0].upper()}{head[1:]}: {'; '.join(_few(list(_descriptions(drawn))))}."


def _descriptions(drawn: list[Drawn]) -> Iterator[str]:
    if RUN in drawn[0].columns:
        yield str(sum(len(each.rows()) for each in drawn))
        return
    for each in drawn:
        yield from _curve(each) if each.is_curve else _points(each)


def _few(descriptions: list[str]) -> list[str]:
    return (
        descriptions
        if len(descriptions) <= LISTED
        else [*descriptions[: LISTED - 1], f"and {len(descriptions) - LISTED + 1} more"]
    )


def _curve(drawn: Drawn) -> Iterator[str]:
    rows = [row for row in drawn.rows() if np.isfinite(row[VALUE])]
    if rows:
        first, last = (format_number(rows[end][VALUE]) for end in (0, -1))
        yield f"from {first} to {last} for {format_value(next(iter(rows[0].values())))}"


def _points(drawn: Drawn) -> Iterator[str]:
    rows = [row for row in drawn.rows() if not np.isnan(row[VALUE])]
    if len(rows) <= LISTED:
        yield from map(_point, rows)
        return
    least, greatest = (choose(rows, key=lambda row: row[VALUE]) for choose in (min, max))
    yield f"{len(rows)} marks, the least {_point(least)}"
    yield f"the greatest {_point(greatest)}"


def _point(row: Row) -> str:
    position = ", ".join(format_value(row[name]) for name in takewhile(lambda name: name != VALUE, row))
    interval = f" ({format_number(row[LOW])} to {format_number(row[HIGH])})" if _has_interval(row) else ""
    return f"{format_number(row[VALUE])}{interval} for {position}"


def _has_interval(row: Row) -> bool:
    return LOW in row and not np.isnan(row[LOW])
