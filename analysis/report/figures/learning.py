"""Learning curves by value of an axis: returns, and the loss."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullFormatter

from analysis.estimates import statistics as st
from analysis.estimates.describe import per_seed
from analysis.estimates.samples import group, seeds
from analysis.records import (
    BLOCK,
    Axis,
    Curve,
    Row,
    Sweep,
    binned,
    centres,
    edges,
    filled,
    moments,
    sampled,
    seed_of,
)
from analysis.report.figures.by_value import draw_threshold, include_in_range, threshold
from analysis.report.figures.chart import Chart, note
from analysis.report.figures.style import (
    CROWDED,
    INK,
    Style,
    count_axis,
    draw_lines,
    legend_columns,
    new_figure,
    short_ticks,
    styles,
    wrapped,
)

FEW = 3
"""The most values with bands; with more, overlapping bands cannot be distinguished."""
BAND_FROM = 5
"""The fewest seeds for a band. With fewer, the band is so wide that single curves show more."""
AT_ONCE, AT_EACH = 0.08, 0.14
"""Opacity of the simultaneous and of the pointwise band; the latter is drawn on top of the former."""
BANDS = (
    Patch(facecolor=INK, alpha=AT_ONCE + AT_EACH, label="95% at each moment"),
    Patch(facecolor=INK, alpha=AT_ONCE, label="95% at all moments at once"),
)
PER_BIN = 4
"""Training episodes, or sampled losses, per bin of a curve."""
Curves = Mapping[str, Curve | None]
OnGrid = Callable[[Curve], st.Floats]


class Panel(NamedTuple):
    """A column of metric files to draw, and the clock for its horizontal axis."""

    curves: Curves
    clock: str
    value: str
    title: str = ""
    unit: str = ""

    def where_known(self) -> Panel:
        """The panel without curves that lack its clock, as logs of other programs may."""
        known = {
            run: curve if curve and not np.isnan(curve[self.clock]).any() else None
            for run, curve in self.curves.items()
        }
        return self._replace(curves=known)

    def grid(self, rows: Sequence[Row]) -> tuple[st.Floats, OnGrid]:
        """Moments [m], and a function that gives a curve's values there.

        The moments are those of the evaluations; if they are too many, and for training, they are bins.
        """
        clocks = [curve[self.clock] for curve in _present(rows, self.curves)]
        at = moments(clocks)
        if at is not None and self.value == "mean_return":
            return at, lambda curve: sampled(curve[self.clock], curve[self.value], at)
        borders = edges(clocks, 1 if self.value == "mean_return" else PER_BIN)
        return centres(borders), lambda curve: filled(curve[self.clock], curve[self.value], borders)


def returns(sweep: Sweep, axis: Axis, episodes: Curves, rng: np.random.Generator) -> Figure:
    """Three panels: training return over episodes and over steps, and return of greedy evaluations."""
    clock, unit = _evaluation_clock(sweep)
    panels = [
        Panel(episodes, "episode", "return", "Training, by episode", "episodes"),
        Panel(episodes, "env_step", "return", "Training, by step", "environment steps"),
        Panel(sweep.evaluations, clock, "mean_return", _evaluated(sweep), unit),
    ]
    panels = [known for panel in panels if any((known := panel.where_known()).curves.values())]
    figure, axs = new_figure(3.6 * max(len(panels), 1), 4.0, max(len(panels), 1), sharey=True)
    for ax, panel in zip(axs, panels, strict=False):
        _mean_curves(ax, sweep, axis, panel, rng)
        ax.set(title=panel.title, xlabel=panel.unit)
        ax.set_xlim(left=0)
        count_axis(ax, "x")
    _within_lines(axs, threshold(sweep))
    for ax in axs:
        draw_threshold(ax, sweep, named=ax is axs[-1])
    axs[0].set_ylabel("return")
    groups = group(sweep.counted, axis)
    has_bands = len(axis.values) <= FEW and any(len(set(seeds(rows))) >= BAND_FROM for rows in groups)
    legend(figure, axis, groups, BANDS if has_bands else ())
    return figure


def _evaluation_clock(sweep: Sweep) -> tuple[str, str]:
    """The clock of evaluations and its unit: environment steps, unless only episodes are known."""
    clocks = {timeline.curve: timeline.unit for timeline in sweep.timelines}
    return ("env_step", clocks["env_step"]) if "env_step" in clocks else next(iter(clocks.items()))


def _evaluated(sweep: Sweep) -> str:
    """Title of the panel of evaluations."""
    if not sweep.by_training:
        return "Greedy evaluations"
    every = len(sweep.by_training) == len(sweep.rows)
    blocks = f"blocks of {BLOCK} training episodes"
    return blocks.capitalize() if every else f"Evaluations, or {blocks}"


def _mean_curves(ax: Axes, sweep: Sweep, axis: Axis, panel: Panel, rng: np.random.Generator) -> None:
    at, on_grid = panel.grid(sweep.counted)
    found = [per_seed(*_curves(rows, panel.curves, on_grid)) for rows in group(sweep.counted, axis)]
    means = [curves.mean(axis=0) if len(curves) else curves for curves in found]
    draw_lines(ax, axis, at, means, "mean return", panel.unit, panel.title)
    if len(axis.values) <= FEW:
        for style, label, curves in zip(styles(axis), axis.labels(), found, strict=True):
            _band(ax, at, curves, style, rng, {axis.name: label}, panel)


def _band(
    ax: Axes,
    at: st.Floats,
    found: st.Floats,
    style: Style,
    rng: np.random.Generator,
    of: dict[str, str],
    panel: Panel,
) -> None:
    """Draw the pointwise and the simultaneous 95% band of the mean, both cut to the range of the curves.

    With fewer than `BAND_FROM` seeds, draw the single curves instead.
    """
    if len(found) >= BAND_FROM:
        for band, alpha, what in (
            (st.simultaneous_band(found, rng), AT_ONCE, "95% at all moments at once"),
            (st.mean_band(found), AT_EACH, "95% at each moment"),
        ):
            low, high = np.clip([band.low, band.high], np.nanmin(found), np.nanmax(found))
            ax.fill_between(at, low, high, color=style.color, alpha=alpha, linewidth=0)
            ends = {"value": found.mean(axis=0), "low": low, "high": high}
            note(ax, what, {**of, panel.unit: at, **ends}, panel.title)
    elif len(found) > 1:
        ax.plot(at, found.T, color=style.color, linewidth=0.7, alpha=0.45)


def _within_lines(axs: Iterable[Axes], also: float | None) -> None:
    """Set the vertical range by the lines and the threshold, not by the wide bands of few trials."""
    drawn = [np.asarray(line.get_ydata(), dtype=float) for ax in axs for line in ax.get_lines()]
    values = np.concatenate([np.empty(0), *drawn])
    values = values[np.isfinite(values)]
    if len(values):
        room = 0.05 * float(np.ptp(values)) or 1.0
        first = next(iter(axs))
        first.set_ylim(values.min() - room, values.max() + room)
        include_in_range(first, also)


def returns_one_by_one(sweep: Sweep, axis: Axis, episodes: Curves, rng: np.random.Generator) -> Figure:
    """One panel per value: its trials, their mean with its band, and the means of other values in grey."""
    evaluated = any(sweep.evaluations.values())
    curves, name = (sweep.evaluations, "mean_return") if evaluated else (episodes, "return")
    clock, unit = _evaluation_clock(sweep)
    panel = Panel(curves, clock, name, unit=unit).where_known()
    curves, (at, on_grid) = panel.curves, panel.grid(sweep.counted)
    groups = group(sweep.counted, axis)
    means = [per_seed(*_curves(rows, curves, on_grid)) for rows in groups]
    columns = min(len(groups), 4)
    lines = -(-len(groups) // columns)
    figure = Chart(figsize=(2.7 * columns, 0.6 + 1.9 * lines), layout="constrained")
    axs = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for ax, style, label, rows, own in zip(axs, styles(axis), axis.labels(), groups, means, strict=False):
        for other in filter(len, means):
            ax.plot(at, other.mean(axis=0), color="#d4d4d4", linewidth=0.9)
        trials = _curves(rows, curves, on_grid)[1]
        if len(trials):
            ax.plot(at, trials.T, color=style.color, linewidth=0.6, alpha=0.6)
            ax.plot(at, own.mean(axis=0), color=style.color, linewidth=2)
            note(ax, "mean return", {axis.name: label, panel.unit: at, "value": own.mean(axis=0)})
        if len(own) >= BAND_FROM:
            _band(ax, at, own, style, rng, {axis.name: label}, panel)
        ax.set_title(f"{wrapped(label, 1.8)} (n = {len(trials)})", fontsize=8.5)
        count_axis(ax, "x")
    for ax in axs[len(groups) :]:
        ax.remove()
    if any(len(own) >= BAND_FROM for own in means):
        figure.legend(handles=BANDS, loc="outside upper right", ncols=2)
    figure.suptitle(wrapped(axis.title, 2.4 * columns), fontsize=9)
    figure.supxlabel(unit, fontsize=9)
    what = "greedy evaluations" if not sweep.by_training else "evaluations"
    figure.supylabel(f"mean return of {what}" if evaluated else "return", fontsize=9)
    return figure


def _curves(rows: Sequence[Row], curves: Curves, on_grid: OnGrid) -> tuple[list[object], st.Floats]:
    """Seeds of the `rows` whose curves have numbers, and these curves on one grid: [trials, bins]."""
    found = [(row, on_grid(curve)) for row in rows if (curve := curves.get(row["run"]))]
    known = [(row, curve) for row, curve in found if np.isfinite(curve).any()]
    return [seed_of(row) for row, _ in known], np.array([curve for _, curve in known], dtype=np.float64)


def _present(rows: Sequence[Row], curves: Curves) -> list[Curve]:
    return [curve for row in rows if (curve := curves.get(row["run"]))]


def legend(
    figure: Figure, axis: Axis, groups: Sequence[Sequence[Row]], further: Sequence[Artist] = ()
) -> None:
    """Legend below the figure: values with sample sizes (a selection if there are many), then `further`."""
    keys: list[Artist] = list(_keys(axis, groups))
    if len(keys) > CROWDED:
        keys = [keys[index] for index in np.linspace(0, len(keys) - 1, 7).astype(int)]
    keys += further
    columns = legend_columns(figure, [str(key.get_label()) for key in keys], 5 if further else 4)
    title = wrapped(axis.title, figure.get_figwidth()) or None
    figure.legend(handles=keys, title=title, loc="outside lower center", ncols=columns)


def _keys(axis: Axis, groups: Sequence[Sequence[Row]]) -> Iterator[Line2D]:
    for style, label, rows in zip(styles(axis), axis.labels(), groups, strict=True):
        yield Line2D(
            [], [], color=style.color, linestyle=style.line, marker=style.marker, markersize=4.5,
            label=f" {label} (n = {len(rows)})",
        )  # fmt: skip


def losses(sweep: Sweep, axis: Axis, curves: Curves) -> Figure:
    """Loss over updates: median of each trial in each bin, then the median and quartiles over trials."""
    figure, (ax,) = new_figure(7.0, 4.0)
    borders = edges([curve["update"] for curve in _present(sweep.counted, curves)], PER_BIN)
    at = centres(borders)
    medians = []
    for style, label, rows in zip(styles(axis), axis.labels(), group(sweep.counted, axis), strict=True):
        curve_medians = [_positive_medians(curve, borders) for curve in _present(rows, curves)]
        low, middle, high = _quartiles(np.array(curve_medians)) if curve_medians else np.empty((3, 0))
        ax.fill_between(at[: len(low)], low, high, color=style.color, alpha=0.13, linewidth=0)
        known = np.isfinite(middle)
        ends = {"value": middle[known], "low": low[known], "high": high[known]}
        note(ax, "quartiles of the loss", {axis.name: label, "updates": at[: len(low)][known], **ends})
        medians.append(middle)
    ax.set_yscale("log")
    draw_lines(ax, axis, at, medians, "median loss", "updates")
    ax.set(xlabel="updates", ylabel="loss (log scale)")
    low, high = ax.get_ylim()
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0,) if high > 100 * low else (1.0, 2.0, 5.0)))
    ax.yaxis.set_major_formatter(short_ticks())
    ax.yaxis.set_minor_formatter(NullFormatter())
    count_axis(ax, "x")
    legend(figure, axis, group(sweep.counted, axis))
    return figure


def _positive_medians(curve: Curve, borders: st.Floats) -> st.Floats:
    medians = binned(curve["update"], curve["loss"], borders, np.median)
    return np.where(medians > 0, medians, np.nan)


def _quartiles(curves: st.Floats) -> st.Floats:
    """Quartiles over the trials that still train in a bin: [trials, bins] to [3, bins]."""
    result = np.full((3, curves.shape[1]), np.nan)
    known = np.isfinite(curves).any(axis=0)
    result[:, known] = np.nanquantile(curves[:, known], [0.25, 0.5, 0.75], axis=0)
    return result
