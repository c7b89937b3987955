"""The numbers of a report: what each value of an axis did, and each configuration."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from analysis.estimates import statistics as st
from analysis.estimates import survival as sv
from analysis.records import Axis, Row, Sweep, Timeline, column
from dqn_exp import scores
from dqn_exp.scores import NO_INTERVAL, Floats, Interval

Table = list[dict[str, Any]]


def value_table(sweep: Sweep, axis: Axis, timeline: Timeline, rng: np.random.Generator) -> Table:
    """One row per value of `axis`: speed of convergence on `timeline`, and returns."""
    groups = group(sweep.counted, axis)
    return [
        {axis.name: value, **_describe(sweep, rows, timeline, rng)}
        for value, rows in zip(axis.values, groups, strict=True)
    ]


def configuration_table(sweep: Sweep, timeline: Timeline, rng: np.random.Generator) -> Table:
    """One row per configuration: the values of all axes, then the columns of `value_table`."""
    return [{**values, **_describe(sweep, rows, timeline, rng)} for values, rows in configurations(sweep)]


def group(rows: Sequence[Row], axis: Axis) -> list[list[Row]]:
    """The rows of each value of `axis`, in the order of its values."""
    codes = axis.codes(rows)
    return [
        [row for row, code in zip(rows, codes, strict=True) if code == wanted]
        for wanted in range(len(axis.values))
    ]


def configurations(sweep: Sweep) -> list[tuple[dict[str, Any], list[Row]]]:
    """Each configuration's axis values and counted rows, in the order of the axes' values."""
    codes = np.stack([axis.codes(sweep.rows) for axis in sweep.axes], axis=1)
    counted = {row["run"] for row in sweep.counted}
    found = []
    for combination in np.unique(codes, axis=0):
        members = np.flatnonzero((codes == combination).all(axis=1))
        rows = [sweep.rows[index] for index in members.tolist()]
        pairs = zip(sweep.axes, combination, strict=True)
        values = {axis.name: axis.values[code] for axis, code in pairs}
        found.append((values, [row for row in rows if row["run"] in counted]))
    return found


def events(rows: Iterable[Row]) -> Floats:
    """1 where a trial converged, 0 where it was censored: [rows]."""
    return column(rows, "converged")


def per_seed(rows: Sequence[Row], values: Floats) -> Floats:
    """The mean of `values` [rows, ...] over the trials of each seed: [seeds, ...].

    Trials that pool several configurations share their seeds' luck: the seeds are the sample. Where
    every trial has its own seed, these are the values themselves. Trials of NaN alone are left out.
    """
    known = np.isfinite(values.reshape(len(rows), math.prod(values.shape[1:]))).any(axis=1)
    members: dict[Any, list[int]] = {}
    for index in np.flatnonzero(known).tolist():
        members.setdefault(rows[index]["seed"], []).append(index)
    return np.array([values[chosen].mean(axis=0) for chosen in members.values()], dtype=np.float64)


def repeats_seeds(rows: Sequence[Row]) -> bool:
    """Do these trials pool several configurations, so that they are no independent sample?"""
    return len({row["seed"] for row in rows}) < len(rows)


def _describe(
    sweep: Sweep, rows: Sequence[Row], timeline: Timeline, rng: np.random.Generator
) -> dict[str, Any]:
    converged = int(events(rows).sum())
    share = converged / len(rows) if rows else np.nan
    areas = np.array([area(sweep, row, timeline) for row in rows])
    return {
        "n": len(rows),
        "seeds": len({row["seed"] for row in rows}),
        "converged": converged,
        "diverged": sum(row["status"] == "diverged" for row in rows),
        **with_interval("converged_share", share, share_interval(rows)),
        **with_interval("median", *_median(rows, timeline)),
        **with_interval("rmst", *rmst(rows, timeline, rng)),
        **_mean("final_return", rows, column(rows, "final_return"), rng),
        **_mean("area", rows, areas, rng),
    }


def share_interval(rows: Sequence[Row]) -> Interval:
    """Wilson's interval of the converged fraction; none where trials share their seeds."""
    if repeats_seeds(rows):
        return NO_INTERVAL
    return st.wilson_interval(int(events(rows).sum()), len(rows))


def _median(rows: Sequence[Row], timeline: Timeline) -> tuple[float, Interval]:
    if not rows:
        return np.nan, NO_INTERVAL
    curve = sv.kaplan_meier(timeline.times(rows), events(rows))
    return curve.median, NO_INTERVAL if repeats_seeds(rows) else curve.median_interval


def rmst(rows: Sequence[Row], timeline: Timeline, rng: np.random.Generator) -> tuple[float, Interval]:
    """Restricted mean time to convergence; its interval needs a trial that converged, and some spread.

    Times that all agree do so because evaluations are few, not because the mean is known exactly.
    """
    if not rows:
        return np.nan, NO_INTERVAL
    capped = per_seed(rows, sv.restricted(timeline.times(rows), timeline.horizon))
    interval = st.mean_interval(capped, rng) if events(rows).any() and np.ptp(capped) else NO_INTERVAL
    low, high = np.clip(interval, 0, timeline.horizon)
    return float(capped.mean()), (float(low), float(high))


def area(sweep: Sweep, row: Row, timeline: Timeline) -> float:
    """Mean evaluation return over the time up to the horizon: normalised area under the curve."""
    curve = sweep.evaluations[row["run"]]
    if not curve:
        return np.nan
    return scores.normalised_area(curve[timeline.curve], curve["mean_return"], timeline.horizon)


def mean_return(rows: Sequence[Row], rng: np.random.Generator) -> tuple[float, Interval]:
    """Mean final return over seeds, of the trials that have one."""
    return _mean_of(per_seed(rows, column(rows, "final_return")), rng)


def _mean_of(values: Floats, rng: np.random.Generator) -> tuple[float, Interval]:
    if not len(values):
        return np.nan, NO_INTERVAL
    return float(values.mean()), st.mean_interval(values, rng)


def _mean(name: str, rows: Sequence[Row], values: Floats, rng: np.random.Generator) -> dict[str, float]:
    known = values[np.isfinite(values)]
    return {
        **with_interval(name, *_mean_of(per_seed(rows, values), rng)),
        f"{name}_iqm": scores.iqm(known),
        f"{name}_n": len(known),
    }


def with_interval(name: str, value: float, interval: Interval) -> dict[str, float]:
    return {name: value, f"{name}_low": interval[0], f"{name}_high": interval[1]}
