"""Chooses the trials that a number is made of, and turns rows of a sweep into arrays for statistics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from analysis.records import Axis, Row, Sweep, Timeline, column, seed_of
from dqn_exp.runs import LearningCurve, learning_curve
from dqn_exp.scores import Floats


class ConvergenceTimes(NamedTuple):
    """Times to convergence of n trials, and their seeds."""

    seeds: list[Any]
    times: Floats
    """The time of convergence where `events` is 1, the time of censoring where it is 0: [n]."""
    events: Floats


def evaluations(sweep: Sweep, row: Row, timeline: Timeline) -> LearningCurve:
    """The evaluations of the trial of `row` over `timeline`; empty if the trial has none."""
    return learning_curve(sweep.evaluations[row["run"]] or {}, timeline.curve)


def sample(rows: Sequence[Row], timeline: Timeline) -> ConvergenceTimes:
    return ConvergenceTimes(seeds(rows), timeline.times(rows), events(rows))


def seeds(rows: Iterable[Row]) -> list[Any]:
    """The seed of each trial: [rows]. An unknown seed becomes a value that no other trial has."""
    return [seed_of(row) for row in rows]


def events(rows: Iterable[Row]) -> Floats:
    """1 where a trial converged, 0 where it was censored: [rows]."""
    return column(rows, "converged")


def group(rows: Sequence[Row], axis: Axis) -> list[list[Row]]:
    """The rows of each value of `axis`, in the order of its values."""
    groups: list[list[Row]] = [[] for _ in axis.values]
    for row, code in zip(rows, axis.codes(rows).tolist(), strict=True):
        groups[code].append(row)
    return groups


def in_common(sweep: Sweep, axis: Axis) -> list[Row]:
    """The rows in the strata (combinations of the other axes' values) where every value of `axis` was tried.

    In a grid with gaps, the trials of two values may differ in the other axes as well; these rows do not.
    A value without any counted trial is ignored. The result is [] if no stratum has every value.
    """
    strata, codes = sweep.strata(axis, sweep.rows), axis.codes(sweep.rows)
    counted = np.array([sweep.counts(row) for row in sweep.rows], dtype=bool)
    tried = {stratum: set(codes[counted & (strata == stratum)].tolist()) for stratum in np.unique(strata)}
    everywhere = {stratum for stratum, met in tried.items() if met == set(codes[counted].tolist())}
    return [row for row, stratum in zip(sweep.rows, strata, strict=True) if stratum in everywhere]


def configurations(sweep: Sweep) -> list[tuple[dict[str, Any], list[Row]]]:
    """Each configuration's axis values and rows, in the order of the axes' values."""
    codes = np.stack([axis.codes([*sweep.rows, *sweep.unrecorded]) for axis in sweep.axes], axis=1)
    groups = []
    for combination in np.unique(codes, axis=0):
        members = np.flatnonzero((codes == combination).all(axis=1))
        rows = [sweep.rows[index] for index in members.tolist() if index < len(sweep.rows)]
        pairs = zip(sweep.axes, combination, strict=True)
        values = {axis.name: axis.values[code] for axis, code in pairs}
        groups.append((values, rows))
    return groups


def in_pairs(
    sweep: Sweep, axis: Axis, rows: Sequence[Row], others: Sequence[Row]
) -> tuple[list[Row], list[Row]] | None:
    """Pairs of trials, one of each group, with equal seed and equal values of the other axes; in one order.

    A trial without a partner is dropped. None if there are fewer than two pairs, or if a group has
    several trials with the same seed and values.
    """
    rest = [other.name for other in sweep.axes if other is not axis]

    def key(row: Row) -> tuple[str, ...]:
        return (str(seed_of(row)), *(str(row.get(name)) for name in rest))

    ours, theirs = {key(row): row for row in rows}, {key(row): row for row in others}
    common = sorted(ours.keys() & theirs.keys())
    if len(common) < 2 or len(ours) < len(rows) or len(theirs) < len(others):
        return None
    return [ours[k] for k in common], [theirs[k] for k in common]
