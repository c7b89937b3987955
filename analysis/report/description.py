"""The trials of a sweep in words: fastest and slowest, best and worst values. They claim nothing more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from analysis.estimates.describe import Table
from analysis.estimates.samples import group
from analysis.records import ALL, Axis, Sweep, Timeline
from analysis.wording import estimate_text
from dqn_exp.scores import LEVEL
from dqn_exp.text import format_count, format_number, format_value


def describe(sweep: Sweep, axis: Axis, timeline: Timeline, table: Table) -> Iterator[str]:
    """Describe the values: those without counted trials, the fastest, the slowest, best and worst return."""
    yield from _unknown(sweep, axis)
    rows = [row for row in table if row["n"]]
    if len(sweep.axes) > 1:
        yield from _common(sweep, axis, sum(row["n"] for row in rows))
    if not rows:
        return
    if axis is ALL:
        if sweep.judged:
            yield f"{_speed(rows[0], timeline)}."
        if np.isfinite(rows[0]["final_return"]):
            yield f"The final return was {_final(rows[0])} on average."
        return
    if sweep.judged:
        ordered = sorted(rows, key=_slowness)
        yield from _extremes(axis, ordered, timeline)
    scored = [row for row in rows if np.isfinite(row["final_return"])]
    if len(scored) > 1:
        best, worst = (choose(scored, key=_final_mean) for choose in (max, min))
        if _final(best) == _final(worst):
            yield f"Mean final return was the same with every value: {_final(best)}."
        else:
            yield (
                f"Mean final return was highest with {_name(axis, best)}: {_final(best)}; "
                f"lowest with {_name(axis, worst)}: {_final(worst)}."
            )


def alike(axis: Axis, groups: list[list[int]]) -> Iterator[str]:
    """Which values gave the same trials. These are one result, not several that agree."""
    labels = axis.labels()
    for codes in groups:
        *first, last = (labels[code] for code in codes)
        yield (
            f"{axis.name} = {', '.join(first)} and {last} gave the same trials: with equal seeds, the final "
            f"networks are the same, bit for bit. Between these values {axis.name} changed nothing (the size "
            f"of a replay buffer, for example, has no effect before it is full). They are one result, not "
            f"{len(codes)} results that agree."
        )


def best_configurations(sweep: Sweep, timeline: Timeline, table: Table) -> Iterator[str]:
    """The best combinations of the values of several axes, and a caution."""
    rows = [row for row in table if row["n"]]
    if len(sweep.axes) < 2 or not rows:
        return
    names = [axis.name for axis in sweep.axes]

    def name(row: dict[str, Any]) -> str:
        return ", ".join(f"{key} = {format_value(row[key])}" for key in names)

    if sweep.judged and any(row["converged"] for row in rows):
        quick, slow = min(rows, key=_slowness), max(rows, key=_slowness)
        if _speed(quick, timeline) == _speed(slow, timeline):
            yield f"All configurations were equally fast in these trials: {_speed(quick, timeline)}."
        else:
            yield f"Fastest in these trials: {name(quick)}. {_speed(quick, timeline)}."
    scored = [row for row in rows if np.isfinite(row["final_return"])]
    if scored:
        high, low = max(scored, key=_final_mean), min(scored, key=_final_mean)
        if _final(high) == _final(low):
            yield f"Mean final return was the same with every configuration: {_final(high)}."
        else:
            yield f"Highest mean final return: {name(high)}: {_final(high)}."
    yield (
        f"The best of {format_count(len(rows), 'configuration')} is partly the luckiest one: confirm it on "
        "fresh seeds."
    )


def _unknown(sweep: Sweep, axis: Axis) -> Iterator[str]:
    """The values without counted trials, and how their trials ended."""
    for value, rows in zip(axis.values, group(sweep.rows, axis), strict=True):
        if not any(map(sweep.counts, rows)):
            ends = Counter(row["status"] for row in rows)
            listed = ", ".join(f"{n} {status}" for status, n in ends.most_common())
            how = listed or "they failed before training"
            yield f"No trial of {axis.name} = {format_value(value)} counts as evidence: {how}."


def _common(sweep: Sweep, axis: Axis, n_named: int) -> Iterator[str]:
    """If the grid has gaps: the number of trials that the sentences about an axis describe."""
    others = ", ".join(other.name for other in sweep.axes if other is not axis)
    if not n_named:
        yield f"No setting of {others} was tried with every value of {axis.name}: none is compared here."
    elif n_named < len(sweep.counted):
        trials = format_count(n_named, "trial")
        where = f"settings of {others} that every value of {axis.name} was tried with"
        yield f"This describes only the {trials} with {where}."


def _extremes(axis: Axis, ordered: Table, timeline: Timeline) -> Iterator[str]:
    if not any(row["converged"] for row in ordered):
        yield f"No trial converged within {format_number(timeline.horizon)} {timeline.unit}."
        return
    quick, slow = ordered[0], ordered[-1]
    if quick is slow:
        yield f"Only {_name(axis, quick)} has trials that count. {_speed(quick, timeline)}."
        return
    if _speed(quick, timeline) == _speed(slow, timeline):
        yield f"All values were equally fast in these trials: {_speed(quick, timeline)}."
        return
    yield f"Fastest in these trials: {_name(axis, quick)}. {_speed(quick, timeline)}."
    yield f"Slowest in these trials: {_name(axis, slow)}. {_speed(slow, timeline)}."


def _slowness(row: dict[str, Any]) -> tuple[float, float]:
    return row["rmst"], -row["converged"] / row["n"]


def _speed(row: dict[str, Any], timeline: Timeline) -> str:
    median = format_number(row["median"])
    unit = "" if np.isinf(row["median"]) else f" {timeline.unit}"
    return (
        f"{row['converged']} of {row['n']} converged; median time {median}{unit}, "
        f"restricted mean {_estimate(row, 'rmst')}"
    )


def _final(row: dict[str, Any]) -> str:
    return _estimate(row, "final_return")


def _estimate(row: dict[str, Any], name: str) -> str:
    return estimate_text(row[name], (row[f"{name}_low"], row[f"{name}_high"]), level=LEVEL)


def _final_mean(row: dict[str, Any]) -> float:
    return float(row["final_return"])


def _name(axis: Axis, row: dict[str, Any]) -> str:
    return f"{axis.name} = {format_value(row[axis.name])}"
