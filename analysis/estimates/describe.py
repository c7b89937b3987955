"""The numbers of a report: a summary of each value of an axis, and of each configuration."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from analysis.estimates import statistics as st
from analysis.estimates import survival as sv
from analysis.estimates.samples import (
    ConvergenceTimes,
    configurations,
    evaluations,
    group,
    in_common,
    sample,
    seeds,
)
from analysis.records import Axis, Row, Sweep, Timeline, column, return_bounds
from dqn_exp import scores
from dqn_exp.runs import NEVER
from dqn_exp.scores import NO_INTERVAL, Floats, Interval

Table = list[dict[str, Any]]


def value_table(sweep: Sweep, axis: Axis, timeline: Timeline, rng: np.random.Generator) -> Table:
    """One row per value of `axis`: speed of convergence on `timeline`, and returns.

    The trials are those whose values of the other axes were tried with every value (`samples.in_common`).
    Each row draws the same random numbers, so equal trials have equal intervals.
    `left_out` counts the trials that are not counted as evidence, `taken` those that another command trained.
    Unknown numbers are NaN; if convergence cannot be judged, all columns about it are NaN.
    """
    groups = group(in_common(sweep, axis), axis)
    return [
        {axis.name: value, **_describe(sweep, rows, timeline, deepcopy(rng))}
        for value, rows in zip(axis.values, groups, strict=True)
    ]


def configuration_table(sweep: Sweep, timeline: Timeline, rng: np.random.Generator) -> Table:
    """One row per configuration: the values of all axes, then the columns of `value_table`."""
    return [
        {**values, **_describe(sweep, rows, timeline, deepcopy(rng))}
        for values, rows in configurations(sweep)
    ]


def _describe(
    sweep: Sweep, trials: Sequence[Row], timeline: Timeline, rng: np.random.Generator
) -> dict[str, Any]:
    rows = [row for row in trials if sweep.counts(row)]
    of, bounds = seeds(rows), return_bounds(rows)
    areas = np.array([_area(sweep, row, timeline) for row in rows], dtype=np.float64)
    return {
        "n": len(rows),
        "left_out": len(trials) - len(rows),
        "seeds": len(set(of)),
        "converged": sum(bool(row["converged"]) for row in rows) if rows and sweep.judged else np.nan,
        "diverged": sum(row["status"] == NEVER for row in rows),
        "taken": sum(row["origin"] is not None for row in rows),
        **speed(sample(rows if sweep.judged else [], timeline), timeline.horizon, rng),
        **mean_and_iqm("final_return", of, column(rows, "final_return"), rng, bounds),
        **mean_and_iqm("area", of, areas, rng, bounds),
    }


def _area(sweep: Sweep, row: Row, timeline: Timeline) -> float:
    """Mean evaluation return over the time up to the horizon, by the same rule as in a study's score."""
    times, returns = evaluations(sweep, row, timeline)
    return scores.area(times, returns, timeline.horizon, row["status"] == NEVER)


def speed(trials: ConvergenceTimes, horizon: float, rng: np.random.Generator) -> dict[str, float]:
    """Converged fraction, median and restricted mean of the times to convergence, each with its interval."""
    if not trials.seeds:
        return {
            **with_interval("converged_share", np.nan, NO_INTERVAL),
            **with_interval("median", np.nan, NO_INTERVAL),
            **with_interval("rmst", np.nan, NO_INTERVAL),
        }
    share = float(trials.events.mean())
    curve = sv.kaplan_meier(trials.times, trials.events)
    median_interval = NO_INTERVAL if repeats_seeds(trials.seeds) else curve.median_interval
    return {
        **with_interval("converged_share", share, share_interval(trials.seeds, trials.events)),
        **with_interval("median", curve.median, median_interval),
        **with_interval("rmst", *restricted_mean(trials, horizon, rng)),
    }


def share_interval(of: Sequence[Hashable], happened: Floats) -> Interval:
    """Wilson's interval of the share of 1s in `happened` [n]. None if trials share seeds (`of` [n])."""
    return NO_INTERVAL if repeats_seeds(of) else st.wilson_interval(int(happened.sum()), len(happened))


def restricted_mean(
    trials: ConvergenceTimes, horizon: float, rng: np.random.Generator
) -> tuple[float, Interval]:
    """Mean of min(T, `horizon`) with its interval; both lie between 0 and the horizon."""
    capped = per_seed(trials.seeds, sv.restricted(trials.times, horizon))
    return float(capped.mean()), st.mean_interval(capped, rng, bounds=(0.0, horizon))


def mean_and_iqm(
    name: str,
    of: Sequence[Hashable],
    values: Floats,
    rng: np.random.Generator,
    bounds: Interval | None = None,
) -> dict[str, float]:
    """Mean over seeds with its interval, and IQM over trials, of the `values` [n] that are not NaN.

    `of` [n] is the seed of each trial. Each key begins with `name`; `{name}_n` counts the values.
    An infinite mean has no interval. `bounds` are the limits of possible values, if they are known.
    """
    known, means = values[~np.isnan(values)], per_seed(of, values)
    mean = float(means.mean()) if len(means) else np.nan
    interval = st.mean_interval(means, rng, bounds=bounds) if np.isfinite(mean) else NO_INTERVAL
    return {
        **with_interval(name, mean, interval),
        f"{name}_iqm": scores.iqm(known),
        f"{name}_n": len(known),
    }


def per_seed(of: Sequence[Hashable], values: Floats) -> Floats:
    """The mean of `values` [n, ...] over the trials of each seed in `of` [n]: [seeds, ...].

    If trials pool several configurations, those of one seed are related, so the sample is one of seeds. If
    every trial has its own seed, the result is `values`. Trials with only NaN are left out.
    """
    known = ~np.isnan(values.reshape(len(of), math.prod(values.shape[1:]))).all(axis=1)
    members: dict[Hashable, list[int]] = {}
    for index in np.flatnonzero(known).tolist():
        members.setdefault(of[index], []).append(index)
    return np.array([values[chosen].mean(axis=0) for chosen in members.values()], dtype=np.float64)


def repeats_seeds(of: Sequence[Hashable]) -> bool:
    """Do several trials share a seed, so that the trials are not an independent sample?"""
    return len(set(of)) < len(of)


def with_interval(name: str, value: float, interval: Interval) -> dict[str, float]:
    return {name: value, f"{name}_low": interval[0], f"{name}_high": interval[1]}
