"""The share of trials that had reached a return by a time: an image of each value and of each difference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from analysis.estimates.attainment import Attainment, Difference, Grid
from analysis.records import Axis, Timeline
from analysis.report.figures.chart import Chart, note
from analysis.report.figures.style import ACCENT, FAINT, INK, count_axis, wrapped
from analysis.wording import p_value
from dqn_exp.scores import Floats

COLUMNS = 4
UNKNOWN = "#d0d0d0"
SHARES = LinearSegmentedColormap.from_list("shares", ["#ffffff", "#9ecae1", "#2171b5", "#08264d"])
DIFFERENCES = LinearSegmentedColormap.from_list("differences", ["#e69f00", "#ffffff", "#2f6fad"])
"""In grey, less is lighter and more is darker."""
HALO = [withStroke(linewidth=2.6, foreground="white")]
"""A white border that separates a line from a dark image."""


def attainment_surfaces(axis: Axis, attainment: Attainment, timeline: Timeline) -> Figure:
    """The surface of each value, and below the differences from the reference of the tested values."""
    rows = -(-len(axis.values) // COLUMNS)
    columns = -(-len(axis.values) // rows)
    parts = 1 + bool(attainment.differences)
    figure = Chart(figsize=(1.6 + 2.2 * columns, 0.9 + 1.9 * rows * parts), layout="constrained")
    panels = figure.subplots(rows * parts, columns, squeeze=False, sharex=True, sharey=True)
    _draw_shares(figure, panels[:rows].ravel().tolist(), axis, attainment, timeline)
    if attainment.differences:
        _draw_differences(figure, panels[rows:].ravel().tolist(), axis, attainment, timeline)
    _label(panels, f"t: {timeline.unit}", "r: mean return")
    title = wrapped(axis.title, figure.get_figwidth()) or None
    figure.legend(handles=list(_keys(attainment)), title=title, loc="outside lower center", ncols=4)
    return figure


def _draw_shares(
    figure: Figure, panels: list[Axes], axis: Axis, attainment: Attainment, timeline: Timeline
) -> None:
    for ax, label, share, count in zip(
        panels, axis.labels(), attainment.shares, attainment.counts, strict=False
    ):
        _image(ax, attainment.grid, share, SHARES, 0)
        _note(ax, "share of trials that had reached it", {axis.name: label}, attainment.grid, share, timeline)
        _draw_median_return(ax, attainment.grid, share, {axis.name: label})
        ax.set_title(f"{wrapped(label, 1.5)} (n = {count})", fontsize=8.5)
    _leave_out(panels[len(axis.values) :])
    _scale(figure, panels, SHARES, 0, "share of trials")


def _draw_differences(
    figure: Figure, panels: list[Axes], axis: Axis, attainment: Attainment, timeline: Timeline
) -> None:
    labels = axis.labels()
    for code, difference in attainment.differences.items():
        ax = panels[code]
        _image(ax, attainment.grid, difference.shares, DIFFERENCES, -1)
        _note(
            ax,
            "difference of shares",
            {axis.name: labels[code]},
            attainment.grid,
            difference.shares,
            timeline,
        )
        _outlines(ax, attainment.grid, difference)
        title = f"{labels[code]} less {labels[attainment.reference]}, {p_value(*difference.p)}"
        ax.set_title(wrapped(title, 2.0), fontsize=8.5)
    _leave_out([ax for code, ax in enumerate(panels) if code not in attainment.differences])
    panel = panels[attainment.reference]
    panel.text(0.5, 0.5, "reference", transform=panel.transAxes, ha="center", color=FAINT, fontsize=8.5)
    _scale(figure, panels, DIFFERENCES, -1, "difference of shares")


def _note(ax: Axes, what: str, of: dict[str, str], grid: Grid, shares: Floats, timeline: Timeline) -> None:
    """Note the known `shares` [times, returns] as drawn."""
    known, places = np.isfinite(shares), np.meshgrid(grid.times, grid.returns, indexing="ij")
    times, returns = (place[known] for place in places)
    named = {name: np.full(len(times), label) for name, label in of.items()}
    note(
        ax,
        what,
        {**named, timeline.unit: times, "return": returns, "value": shares[known]},
        is_described=False,
    )


def _label(panels: NDArray[Any], across: str, up: str) -> None:
    """Put tick labels and axis labels only at the outer ones of the drawn panels."""
    drawn = np.array([[ax.axison for ax in row] for row in panels])
    for (row, column), ax in np.ndenumerate(panels):
        is_lowest, is_first = not drawn[row + 1 :, column].any(), not drawn[row, :column].any()
        ax.tick_params(labelbottom=is_lowest, labelleft=is_first)
        ax.set(xlabel=across if is_lowest else "", ylabel=up if is_first else "")
        ax.grid(visible=False)
        for which in (ax.xaxis, ax.yaxis):
            which.set_major_locator(MaxNLocator(4))
        count_axis(ax, "x")
        count_axis(ax, "y")


def _leave_out(panels: list[Axes]) -> None:
    for ax in panels:
        ax.set_axis_off()


def _scale(figure: Figure, panels: list[Axes], colors: Colormap, lowest: float, title: str) -> None:
    scale, ticks = ScalarMappable(Normalize(lowest, 1), colors), np.linspace(lowest, 1, 5)
    figure.colorbar(scale, ax=panels, label=title, ticks=ticks, aspect=16, pad=0.02)


def _image(ax: Axes, grid: Grid, values: Floats, colors: Colormap, lowest: float) -> None:
    x, y = _borders(grid.times), _borders(grid.returns)
    ax.set_facecolor(UNKNOWN)
    ax.pcolorfast(x, y, np.ma.masked_invalid(values.T), cmap=colors, vmin=lowest, vmax=1)


def _borders(centres: Floats) -> Floats:
    """Borders of cells, halfway between neighbouring centres: [n] to [n + 1]."""
    if len(centres) < 2:
        return np.array([0.5, 1.5]) * centres
    between = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - between[0]], between, [2 * centres[-1] - between[-1]]])


def _draw_median_return(ax: Axes, grid: Grid, share: Floats, of: dict[str, str]) -> None:
    """Draw the highest return that half of the trials had reached; a gap where the next share is unknown."""
    count = (share >= 0.5).sum(axis=1)
    following = np.column_stack([share, np.zeros(len(share))])[np.arange(len(share)), count]
    highest = np.where(np.isnan(following), np.nan, _borders(grid.returns)[count])
    note(
        ax, "highest return that half of the trials had reached", {**of, "time": grid.times, "value": highest}
    )
    ax.stairs(highest, _borders(grid.times), baseline=None, color=ACCENT, linewidth=1.3, path_effects=HALO)


def _outlines(ax: Axes, grid: Grid, difference: Difference) -> None:
    segments = list(_outline_segments(difference.beyond, _borders(grid.times), _borders(grid.returns)))
    ax.add_collection(LineCollection(segments, colors=INK, linewidths=1.2))


def _outline_segments(cells: NDArray[np.bool_], x: Floats, y: Floats) -> Iterator[list[tuple[float, float]]]:
    """Line segments around the True `cells` [m, k]; cell borders are at `x` [m + 1] and `y` [k + 1]."""
    inside = np.pad(cells, 1)
    for i, j in np.argwhere(inside[1:, 1:-1] ^ inside[:-1, 1:-1]):
        yield [(x[i], y[j]), (x[i], y[j + 1])]
    for i, j in np.argwhere(inside[1:-1, 1:] ^ inside[1:-1, :-1]):
        yield [(x[i], y[j]), (x[i + 1], y[j])]


def _keys(attainment: Attainment) -> Iterator[Line2D | Patch]:
    yield Line2D([], [], color=ACCENT, label="half of the trials")
    if any(difference.beyond.any() for difference in attainment.differences.values()):
        yield Line2D([], [], color=INK, linewidth=1.2, label="beyond the 95% limit")
    drawn = [*attainment.shares, *(difference.shares for difference in attainment.differences.values())]
    if any(np.isnan(shares).any() for shares in drawn):
        yield Patch(facecolor=UNKNOWN, label="unknown")
