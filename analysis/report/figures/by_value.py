"""Every trial as a dot over the values of an axis: speed of convergence, and final return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from analysis.estimates import statistics as st
from analysis.estimates import survival as sv
from analysis.estimates.describe import per_seed
from analysis.estimates.samples import events, group, sample, seeds
from analysis.records import Axis, Row, Sweep, Timeline, column, return_bounds
from analysis.report.figures.chart import note
from analysis.report.figures.style import (
    ACCENT,
    CROWDED,
    INK,
    OKABE_ITO,
    count_axis,
    draw_means,
    is_logarithmic,
    label_values,
    line_at,
    new_figure,
    positions,
    spread,
    tilt,
    value_figure,
)
from dqn_exp.text import format_short

DOT = OKABE_ITO[0]


def convergence_by_value(sweep: Sweep, axis: Axis, timeline: Timeline, rng: np.random.Generator) -> Figure:
    """Times to convergence, their restricted mean with interval, and their median."""
    figure, ax = value_figure(axis, 4.2)
    _draw_convergence(ax, sweep, axis, timeline, rng)
    ax.set_ylabel(f"T: {timeline.unit} to convergence")
    figure.legend(handles=_speed_legend(timeline), loc="outside lower center", ncols=4)
    return figure


def convergence_by_environment(parts: Mapping[str, tuple[Sweep, Axis]], rng: np.random.Generator) -> Figure:
    """The same axis in several environments, one panel each."""
    figure, panels = new_figure(3.4 * len(parts) + 0.6, 3.9, len(parts))
    for ax, (environment, (sweep, axis)) in zip(panels, parts.items(), strict=True):
        ax.set_xscale("log" if is_logarithmic(axis) else "linear")
        _draw_convergence(ax, sweep, axis, sweep.timelines[0], rng, environment)
        ax.set_title(environment, pad=18)
        ax.set_ylabel(f"T: {sweep.timelines[0].unit} to convergence" if ax is panels[0] else "")
    figure.legend(handles=_speed_legend(None), loc="outside lower center", ncols=min(4, 2 * len(parts)))
    return figure


def _draw_convergence(
    ax: Axes, sweep: Sweep, axis: Axis, timeline: Timeline, rng: np.random.Generator, panel: str = ""
) -> None:
    groups = group(sweep.counted, axis)
    x = np.concatenate([spread(axis, len(rows), code) for code, rows in enumerate(groups)])
    trials = [sample(rows, timeline) for rows in groups]
    times = np.concatenate([t.times for t in trials])
    happened = np.concatenate([t.events for t in trials]).astype(bool)
    _dots(ax, x[happened], times[happened])
    ax.plot(x[~happened], times[~happened], "^", mfc="none", mec=ACCENT, markersize=6.5)
    capped = [per_seed(t.seeds, sv.restricted(t.times, timeline.horizon)) for t in trials]
    bounds = (0.0, timeline.horizon)
    mean = f"restricted mean of {timeline.unit} to convergence"
    draw_means(
        ax, axis, capped, lambda values: st.mean_interval(values, deepcopy(rng), bounds=bounds), mean, panel
    )
    medians = [sv.kaplan_meier(t.times, t.events).median if t.seeds else np.inf for t in trials]
    reached = np.isfinite(medians)
    ax.plot(positions(axis)[reached], np.array(medians)[reached], "_", color=INK, ms=18, mew=2, zorder=3)
    note(ax, "median (Kaplan-Meier)", {axis.name: axis.labels(), "value": medians}, panel)
    for what, is_drawn in (("trial that converged", happened), ("trial that had not converged", ~happened)):
        note_trials(ax, axis, groups, times, is_drawn, what, panel)
    if np.isfinite(timeline.budget):
        line_at(ax, timeline.budget, f"budget\n{format_short(timeline.budget)}")
    _fractions(ax, sweep, axis)
    label_values(ax, axis)
    ax.set_ylim(0, 1.12 * max(timeline.longest, timeline.horizon))
    count_axis(ax, "y")


def _dots(ax: Axes, x: st.Floats, y: st.Floats) -> None:
    """Draw dots at given places; seaborn's jitter would draw from a global generator."""
    sns.scatterplot(x=x, y=y, color=DOT, alpha=0.75, s=25, linewidth=0, ax=ax)


def _fractions(ax: Axes, sweep: Sweep, axis: Axis) -> None:
    """Write above each value how many of its trials converged."""
    if len(axis.values) > CROWDED:
        return
    ax.annotate(
        "converged:", (0, 1.0), (-4, 2), "axes fraction", "offset points",
        ha="right", va="bottom", fontsize=8, annotation_clip=False,
    )  # fmt: skip
    texts = [f"{events(rows).sum():.0f}/{len(rows)}" if rows else "–" for rows in group(sweep.counted, axis)]
    for at, text in zip(positions(axis), texts, strict=True):
        ax.annotate(
            text, (at, 1.0), (0, 2), ("data", "axes fraction"), "offset points",
            ha="center", va="bottom", fontsize=8, annotation_clip=False, rotation=tilt(axis, texts),
        )  # fmt: skip


def _speed_legend(timeline: Timeline | None) -> list[Line2D]:
    """`timeline` is None for several panels, because each has its own."""
    mean = f"RMST({format_short(timeline.horizon)}), 95% interval" if timeline else "RMST, 95% interval"
    return [
        _key("o", "converged", color=DOT),
        _key("^", "not converged", mfc="none", mec=ACCENT),
        _key("D", mean, mfc="white", mec=INK),
        _key("_", "median (Kaplan–Meier)", color=INK, mew=2, markersize=12),
    ]


def _key(marker: str, label: str, **options: Any) -> Line2D:
    return Line2D([], [], linestyle="", marker=marker, label=label, **options)


def final_return_by_value(sweep: Sweep, axis: Axis, rng: np.random.Generator) -> Figure:
    """Mean greedy return after training: a dot for every trial, and the mean with its interval."""
    figure, ax = value_figure(axis, 3.8)
    groups = group(sweep.counted, axis)
    x = np.concatenate([spread(axis, len(rows), code) for code, rows in enumerate(groups)])
    final = np.concatenate([column(rows, "final_return") for rows in groups])
    diverged = np.array([row["status"] == "diverged" for rows in groups for row in rows], dtype=bool)
    _dots(ax, x[~diverged], final[~diverged])
    ax.plot(x[diverged], final[diverged], "x", color=ACCENT, markersize=7, mew=1.8)
    means = [per_seed(seeds(rows), column(rows, "final_return")) for rows in groups]
    bounds = return_bounds(sweep.counted)
    draw_means(
        ax, axis, means, lambda values: st.mean_interval(values, deepcopy(rng), bounds=bounds),
        "mean final return",
    )  # fmt: skip
    for what, is_drawn in (("trial", ~diverged), ("trial that diverged", diverged)):
        note_trials(ax, axis, groups, final, is_drawn, what)
    include_in_range(ax, threshold(sweep))
    draw_threshold(ax, sweep)
    label_values(ax, axis)
    ax.set_ylabel("final return:\ngreedy episodes after training")
    handles = [_key("o", "trial", color=DOT), _key("D", "mean, 95% interval", mfc="white", mec=INK)]
    if diverged.any():
        handles.insert(1, _key("x", "diverged trial", color=ACCENT, mew=1.8))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def note_trials(
    ax: Axes,
    axis: Axis,
    groups: Sequence[Sequence[Row]],
    values: st.Floats,
    is_drawn: NDArray[np.bool_],
    what: str,
    panel: str = "",
) -> None:
    """Note the trials of all `groups` [n in total] that are drawn as `what`, with their `values` [n]."""
    rows = [
        (label, row["run"], row["seed"])
        for label, of_value in zip(axis.labels(), groups, strict=True)
        for row in of_value
    ]
    label, run, seed = (
        [row[place] for row, kept in zip(rows, is_drawn, strict=True) if kept] for place in range(3)
    )
    note(ax, what, {axis.name: label, "run": run, "seed": seed, "value": values[is_drawn]}, panel)


def include_in_range(ax: Axes, value: float | None) -> None:
    """Widen the vertical range to include `value`, unless that would compress everything else."""
    low, high = ax.get_ylim()
    if value is not None and abs(value - high) < 4 * (high - low):
        room = 0.05 * (high - low)
        ax.set_ylim(min(low, value - room), max(high, value + room))


def threshold(sweep: Sweep) -> float | None:
    """The return that counts as converged; None if trials have different ones."""
    thresholds = {row.get("convergence.threshold") for row in sweep.counted}
    value = thresholds.pop() if len(thresholds) == 1 else None
    return float(value) if value is not None and np.isfinite(value) else None


def draw_threshold(ax: Axes, sweep: Sweep, named: bool = True) -> None:
    """Draw a line at the threshold, unless it lies outside the visible range."""
    value, (low, high) = threshold(sweep), ax.get_ylim()
    if value is not None and low <= value <= high:
        line_at(ax, value, f"threshold\n{value:g}" if named else "")
