"""Which trials a number is made of: rows of a sweep to samples, the arrays that statistics take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from analysis.records import Axis, Row, Sweep, Timeline, column, seed_of
from dqn_exp.scores import Floats


class Sample(NamedTuple):
    """Times to convergence of n trials, and their seeds."""

    seeds: list[Any]
    times: Floats
    """Of convergence where `events` is 1, of censoring elsewhere: [n]."""
    events: Floats


class Curve(NamedTuple):
    """The evaluations of one trial."""

    times: Floats  # [m], ascending
    returns: Floats  # [m]


def evaluations(sweep: Sweep, row: Row, timeline: Timeline) -> Curve:
    """What was evaluated of the trial of `row`, over `timeline`; empty where nothing was."""
    recorded: Mapping[str, Floats] = sweep.evaluations[row["run"]] or {}
    return Curve(recorded.get(timeline.curve, np.empty(0)), recorded.get("mean_return", np.empty(0)))


def sample(rows: Sequence[Row], timeline: Timeline) -> Sample:
    return Sample(seeds(rows), timeline.times(rows), events(rows))


def seeds(rows: Iterable[Row]) -> list[Any]:
    """The seed of each trial: [rows]. Where it is not known, a value that no other trial has."""
    return [seed_of(row) for row in rows]


def events(rows: Iterable[Row]) -> Floats:
    """1 where a trial converged, 0 where it was censored: [rows]."""
    return column(rows, "converged")


def group(rows: Sequence[Row], axis: Axis) -> list[list[Row]]:
    """The rows of each value of `axis`, in the order of its values."""
    codes = axis.codes(rows)
    return [
        [row for row, code in zip(rows, codes, strict=True) if code == wanted]
        for wanted in range(len(axis.values))
    ]


def in_common(sweep: Sweep, axis: Axis) -> list[Row]:
    """The rows with those values of all other axes that every value of `axis` was tried with.

    In a grid with gaps all trials of a value would tell of the other axes' values as well. Values without any
    counted trial do not count; [] where there is nothing in common.
    """
    strata, codes = sweep.strata(axis, sweep.rows), axis.codes(sweep.rows)
    counted = np.array([sweep.counts(row) for row in sweep.rows], dtype=bool)
    tried = {stratum: set(codes[counted & (strata == stratum)].tolist()) for stratum in np.unique(strata)}
    everywhere = {stratum for stratum, met in tried.items() if met == set(codes[counted].tolist())}
    return [row for row, stratum in zip(sweep.rows, strata, strict=True) if stratum in everywhere]


def configurations(sweep: Sweep) -> list[tuple[dict[str, Any], list[Row]]]:
    """Each configuration's axis values and rows, in the order of the axes' values."""
    codes = np.stack([axis.codes([*sweep.rows, *sweep.unrecorded]) for axis in sweep.axes], axis=1)
    found = []
    for combination in np.unique(codes, axis=0):
        members = np.flatnonzero((codes == combination).all(axis=1))
        rows = [sweep.rows[index] for index in members.tolist() if index < len(sweep.rows)]
        pairs = zip(sweep.axes, combination, strict=True)
        values = {axis.name: axis.values[code] for axis, code in pairs}
        found.append((values, rows))
    return found


def in_pairs(
    sweep: Sweep, axis: Axis, rows: Sequence[Row], others: Sequence[Row]
) -> tuple[list[Row], list[Row]] | None:
    """Those trials of both groups that agree on seed and other axes, in the same order.

    A lost trial drops its pair. None where there are fewer than two pairs, or several trials of one kind.
    """
    rest = [other.name for other in sweep.axes if other is not axis]

    def key(row: Row) -> tuple[str, ...]:
        return (str(seed_of(row)), *(str(row.get(name)) for name in rest))

    ours, theirs = {key(row): row for row in rows}, {key(row): row for row in others}
    common = sorted(ours.keys() & theirs.keys())
    if len(common) < 2 or len(ours) < len(rows) or len(theirs) < len(others):
        return None
    return [ours[k] for k in common], [theirs[k] for k in common]
