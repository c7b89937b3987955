"""The share of trials that converged, over time."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.estimates import survival as sv
from analysis.estimates.describe import repeats_seeds, share_interval
from analysis.estimates.samples import events, group, seeds
from analysis.records import Axis, Row, Sweep, Timeline
from analysis.report.figures.chart import Chart, note
from analysis.report.figures.learning import legend
from analysis.report.figures.style import CROWDED, Style, count_axis, styles, wrapped


def convergence_curves(sweep: Sweep, axis: Axis, timeline: Timeline) -> Figure:
    """Left: converged fraction by value. Right: its growth over time (1 - Kaplan-Meier), numbers at risk."""
    groups = group(sweep.counted, axis)
    table = 0.3 + 0.17 * len(groups) if len(groups) <= CROWDED else 0.0
    figure = Chart(figsize=(10, 4.2 + table), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(2, 3), height_ratios=(3.2, max(table, 0.01)))
    _fractions(figure.add_subplot(grid[:, 0]), axis, groups)
    right = figure.add_subplot(grid[0, 1])
    for style, label, rows in zip(styles(axis), axis.labels(), groups, strict=True):
        if rows:
            _step(right, timeline, rows, style, {axis.name: label})
    end = max(timeline.horizon, timeline.longest)
    right.set(title="Converged by then (1 − Kaplan–Meier)", ylim=(-0.02, 1.02), ylabel="fraction")
    right.set(xlim=(-0.02 * end, 1.03 * end), xlabel=timeline.unit)
    count_axis(right, "x")
    if table:
        _risk_table(figure.add_subplot(grid[1, 1], sharex=right), timeline, axis, groups)
    legend(figure, axis, groups)
    return figure


def _fractions(ax: Axes, axis: Axis, groups: list[list[Row]]) -> None:
    labels = axis.labels()
    for place, (style, rows) in enumerate(zip(styles(axis), groups, strict=True)):
        count, n = int(events(rows).sum()), len(rows)
        if n:
            low, high = share_interval(seeds(rows), events(rows))
            ax.hlines(place, low, high, color=style.color, linewidth=1.6)
            fractions = {
                axis.name: labels[place : place + 1],
                "value": count / n,
                "low": round(low, 9),
                "high": high,
            }
            note(ax, "fraction converged", fractions | {"converged": count, "n": n})
            ax.plot([count / n], [place], style.marker, color=style.color, markersize=6)
            ax.annotate(f" {count}/{n}", (1.02, place), va="center", fontsize=8)
    shown = range(len(labels)) if len(labels) <= 2 * CROWDED else []
    ax.set_yticks(list(shown), [labels[index] for index in shown])
    interval = "" if any(repeats_seeds(seeds(rows)) for rows in groups) else ", 95% Wilson interval"
    ax.set(xlim=(-0.02, 1.14), xlabel=f"fraction converged{interval}")
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.set_xticks(np.linspace(0, 1, 5))
    ax.set(title="Converged within the budget", ylabel=wrapped(axis.title and axis.name, 4.2))


def _step(ax: Axes, timeline: Timeline, rows: list[Row], style: Style, of: dict[str, str]) -> None:
    times, happened = timeline.times(rows), events(rows).astype(bool)
    curve = sv.kaplan_meier(times, happened)
    end = max(timeline.horizon, float(times.max()))
    x, y = np.append(curve.times, end), 1 - np.append(curve.share, curve.share[-1])
    ax.plot(x, y, drawstyle="steps-post", color=style.color, linestyle=style.line)
    note(ax, "fraction converged by then", {**of, timeline.unit: x, "value": y})
    censored = times[~happened]
    seen = 1 - curve.share[np.searchsorted(curve.times, censored, side="right") - 1]
    ax.plot(censored, seen, "|", color=style.color, markersize=8, mew=1.5)
    steps = np.flatnonzero(np.diff(curve.share)) + 1
    ax.plot(curve.times[steps], 1 - curve.share[steps], style.marker, color=style.color, markersize=4.5)


def _risk_table(ax: Axes, timeline: Timeline, axis: Axis, groups: list[list[Row]]) -> None:
    """A table of the numbers at risk (neither converged nor censored) at each tick of the curves above."""
    ticks = [tick for tick in ax.get_xticks() if 0 <= tick <= ax.get_xlim()[1]]
    for index, rows in enumerate(groups):
        for tick, count in zip(ticks, sv.at_risk(timeline.times(rows), ticks), strict=True):
            shown = str(count) if rows else "–"
            ax.text(tick, index, shown, ha="center", va="center", fontsize=7.5, in_layout=False)
    ax.set_yticks(range(len(groups)), axis.labels(), fontsize=7.5)
    ax.set_ylim(len(groups) - 0.4, -0.6)
    ax.set_title("still training, not converged", fontsize=8)
    ax.tick_params(bottom=False, left=False, labelbottom=False)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
