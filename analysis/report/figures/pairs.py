"""Two axes at once: a heatmap with its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.estimates import survival as sv
from analysis.estimates.samples import events
from analysis.records import Axis, Row, Sweep, Timeline, column
from analysis.report.figures.chart import note
from analysis.report.figures.style import new_figure, wrapped
from dqn_exp.text import format_short


class HeatmapPanel(NamedTuple):
    title: str
    palette: str
    measure: Callable[[Sequence[Row]], float]
    text: Callable[[Sequence[Row]], str]
    limits: tuple[float | None, float | None] = (None, None)


def heatmap(sweep: Sweep, rows: Axis, columns: Axis, timeline: Timeline) -> Figure:
    """Speed, converged fraction and final return for each pair of values."""
    panels = _panels(sweep, timeline)
    width = max(3.2, 1.0 + 0.62 * len(columns.values))
    size = width * len(panels) + 0.8, 1.9 + 0.42 * len(rows.values)
    figure, axs = new_figure(*size, len(panels), sharey=True)
    cells = _cells(sweep, rows, columns)
    for ax, panel in zip(axs, panels, strict=True):
        values = _draw(ax, cells, panel)
        known = np.isfinite(values)
        across, up = np.meshgrid(columns.labels(), rows.labels())
        note(ax, panel.title, {rows.name: up[known], columns.name: across[known], "value": values[known]})
        ax.set(title=panel.title, xlabel=wrapped(columns.title, width))
        ax.set_xticks(np.arange(len(columns.values)) + 0.5, columns.labels(), rotation=_tilt(columns))
        ax.set_yticks(np.arange(len(rows.values)) + 0.5, rows.labels())
    axs[0].set_ylabel(wrapped(rows.title, size[1]))
    return figure


def _tilt(axis: Axis) -> int:
    return 35 if max(map(len, axis.labels())) > 6 else 0


def _panels(sweep: Sweep, timeline: Timeline) -> list[HeatmapPanel]:
    def speed(cell: Sequence[Row]) -> float:
        return float(sv.restricted(timeline.times(cell), timeline.horizon).mean())

    def fraction(cell: Sequence[Row]) -> float:
        return float(events(cell).mean())

    def final(cell: Sequence[Row]) -> float:
        known = column(cell, "final_return")
        return float(np.nanmean(known)) if np.isfinite(known).any() else np.nan

    panels = [HeatmapPanel("mean final return", "viridis", final, lambda cell: _digits(final(cell)))]
    if sweep.judged:
        speed_title = f"RMST({format_short(timeline.horizon)}), {timeline.unit}"
        panels = [
            HeatmapPanel(speed_title, "viridis_r", speed, lambda cell: _digits(speed(cell))),
            HeatmapPanel("converged", "viridis", fraction, _fraction_text, (0, 1)),
            *panels,
        ]
    return panels


def _fraction_text(cell: Sequence[Row]) -> str:
    return f"{events(cell).sum():.0f}/{len(cell)}"


def _digits(value: float) -> str:
    return format_short(float(f"{value:.3g}"))


def _cells(sweep: Sweep, rows: Axis, columns: Axis) -> list[list[list[Row]]]:
    pairs = list(zip(rows.codes(sweep.counted), columns.codes(sweep.counted), strict=True))
    return [
        [
            [row for row, pair in zip(sweep.counted, pairs, strict=True) if pair == (y, x)]
            for x in range(len(columns.values))
        ]
        for y in range(len(rows.values))
    ]


def _draw(ax: Axes, cells: list[list[list[Row]]], panel: HeatmapPanel) -> NDArray[np.float64]:
    """Draw colour and number of each cell; cells without trials stay empty. Returns numbers [up, across]."""
    values = np.array([[panel.measure(c) if c else np.nan for c in line] for line in cells])
    texts = np.array([[panel.text(c) if c else "" for c in line] for line in cells])
    sns.heatmap(
        values, annot=texts, fmt="", mask=texts == "", cmap=panel.palette, cbar=False, linewidths=0.8,
        vmin=panel.limits[0], vmax=panel.limits[1], annot_kws={"fontsize": 8},
        xticklabels=False, yticklabels=False, ax=ax,
    )  # fmt: skip
    return values
