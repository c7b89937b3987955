"""The numbers of a report: what each value of an axis did, and which differences hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from analysis import statistics as st
from analysis.axes import ALL, Axis
from analysis.rows import Row, column
from analysis.sweep import Clock, Sweep

Table = list[dict[str, Any]]


def value_table(sweep: Sweep, axis: Axis, clock: Clock, rng: np.random.Generator) -> Table:
    """One row per value of `axis`: speed of convergence on `clock`, and returns."""
    groups = group(sweep.counted, axis)
    return [
        {axis.name: value, **_describe(sweep, rows, clock, rng)}
        for value, rows in zip(axis.values, groups, strict=True)
    ]


def group(rows: Sequence[Row], axis: Axis) -> list[list[Row]]:
    """The rows of each value of `axis`, in the order of its values."""
    codes = axis.codes(rows)
    return [
        [row for row, code in zip(rows, codes, strict=True) if code == wanted]
        for wanted in range(len(axis.values))
    ]


def events(rows: Iterable[Row]) -> st.Floats:
    """1 where a trial converged, 0 where it was censored: [rows]."""
    return column(rows, "converged")


def _describe(
    sweep: Sweep, rows: Sequence[Row], clock: Clock, rng: np.random.Generator
) -> dict[str, Any]:
    times, converged = column(rows, clock.column), int(events(rows).sum())
    areas = [area(sweep, row, clock) for row in rows]
    share = st.wilson_interval(converged, len(rows))
    return {
        "n": len(rows),
        "seeds": len({row["seed"] for row in rows}),
        "converged": converged,
        "diverged": sum(row["status"] == "diverged" for row in rows),
        **_with_interval("converged_share", converged / len(rows) if rows else np.nan, share),
        **_with_interval("median", *_median(rows, times)),
        **_with_interval("rmst", *rmst(times, converged, clock, rng)),
        **_mean("final_return", column(rows, "final_return"), rng),
        **_mean("area", np.array(areas), rng),
    }


def _median(rows: Sequence[Row], times: st.Floats) -> tuple[float, st.Interval]:
    if not rows:
        return np.nan, st.NO_INTERVAL
    happened = events(rows)
    return st.survival_median(times, happened), st.median_interval(times, happened)


def rmst(
    times: st.Floats, converged: int, clock: Clock, rng: np.random.Generator
) -> tuple[float, st.Interval]:
    """Restricted mean time to convergence, with an interval where any trial converged."""
    capped = st.restricted(times, clock.horizon)
    if not len(capped):
        return np.nan, st.NO_INTERVAL
    interval = st.mean_interval(capped, rng) if converged else st.NO_INTERVAL
    low, high = np.clip(interval, 0, clock.horizon)
    return float(capped.mean()), (float(low), float(high))


def area(sweep: Sweep, row: Row, clock: Clock) -> float:
    """Mean evaluation return over the time up to the horizon: normalised area under the curve."""
    curve = sweep.evaluations[row["run"]]
    if not curve:
        return np.nan
    return st.normalised_area(curve[clock.curve], curve["mean_return"], clock.horizon)


def _mean(name: str, values: st.Floats, rng: np.random.Generator) -> dict[str, float]:
    known = values[np.isfinite(values)]
    mean = float(known.mean()) if len(known) else np.nan
    interval = st.mean_interval(known, rng) if len(known) else st.NO_INTERVAL
    return {
        **_with_interval(name, mean, interval),
        f"{name}_iqm": st.iqm(known),
        f"{name}_n": len(known),
    }


def _with_interval(name: str, value: float, interval: st.Interval) -> dict[str, float]:
    return {name: value, f"{name}_low": interval[0], f"{name}_high": interval[1]}


def is_testable(sweep: Sweep, axis: Axis) -> bool:
    """Are there values to compare, and at least six seeds of each?"""
    seeds = [{row["seed"] for row in rows} for rows in group(sweep.counted, axis)]
    return axis is not ALL and sweep.judged and min(map(len, seeds)) >= st.TESTED_FROM


def omnibus(sweep: Sweep, axis: Axis, clock: Clock, rng: np.random.Generator) -> float:
    """Permutation p-value: do the times to convergence differ between any values of `axis`?

    Labels are permuted among trials that agree on every other axis.
    """
    return _log_rank(sweep.counted, axis.codes(sweep.counted), sweep.strata(axis), clock, rng)


def _log_rank(
    rows: Sequence[Row], codes: Any, strata: Any, clock: Clock, rng: np.random.Generator
) -> float:
    times = column(rows, clock.column)
    return st.permutation_log_rank(times, events(rows), codes, rng, strata)


def comparison_table(sweep: Sweep, axis: Axis, clock: Clock, rng: np.random.Generator) -> Table:
    """Each value of `axis` against the reference value: log-rank (Holm), ratio, pairs by seed."""
    reference, _ = sweep.reference(axis)
    codes, strata = axis.codes(sweep.counted), sweep.strata(axis)
    table = []
    for code, value in enumerate(axis.values):
        if code == reference:
            continue
        chosen = np.flatnonzero((codes == code) | (codes == reference))
        rows = [sweep.counted[index] for index in chosen]
        p = _log_rank(rows, codes[chosen], strata[chosen], clock, rng)
        table.append({axis.name: value, "p": p, **_effect(sweep, axis, code, reference, clock)})
    for row, adjusted in zip(table, st.holm([row["p"] for row in table]), strict=True):
        row["p_holm"] = float(adjusted)
    return table


def _effect(sweep: Sweep, axis: Axis, code: int, reference: int, clock: Clock) -> dict[str, Any]:
    """How much slower (or faster) one value is than the reference, on restricted times."""
    groups = group(sweep.counted, axis)
    paired = _in_pairs(sweep, axis, groups[code], groups[reference])
    rows, others = paired or (groups[code], groups[reference])
    x, y = (st.restricted(column(part, clock.column), clock.horizon) for part in (rows, others))
    ratio, interval = st.mean_ratio(x, y, paired=paired is not None)
    effect = {**_with_interval("rmst_ratio", ratio, interval), "paired": paired is not None}
    effect["equivalent"] = st.is_equivalent(interval)
    if paired:
        pair = st.paired_difference(x, y)
        effect |= _with_interval("difference", pair.difference, pair.interval)
        effect["correlation"] = pair.correlation
    return effect


def _in_pairs(
    sweep: Sweep, axis: Axis, rows: Sequence[Row], others: Sequence[Row]
) -> tuple[list[Row], list[Row]] | None:
    """Both groups in the same order of seeds and other axes; None where they do not match."""
    rest = [other.name for other in sweep.axes if other is not axis]

    def key(row: Row) -> tuple[str, ...]:
        return tuple(str(row.get(name)) for name in ("seed", *rest))

    ours, theirs = {key(row): row for row in rows}, {key(row): row for row in others}
    if ours.keys() != theirs.keys() or len(ours) != len(rows) or len(theirs) != len(others):
        return None
    return [ours[k] for k in sorted(ours)], [theirs[k] for k in sorted(ours)]


def configuration_table(sweep: Sweep) -> Table:
    """One row per configuration: the values of all axes, n, converged, median T, final return."""
    clock = sweep.clocks[0]
    table: Table = []
    for values, rows in _configurations(sweep):
        times, final = column(rows, clock.column), column(rows, "final_return")
        final = final[np.isfinite(final)]
        table.append({
            **values,
            "n": len(rows),
            "converged": int(events(rows).sum()),
            f"median {clock.unit}": st.survival_median(times, events(rows)) if rows else np.nan,
            "mean final return": float(final.mean()) if len(final) else np.nan,
        })  # fmt: skip
    return table


def _configurations(sweep: Sweep) -> list[tuple[dict[str, Any], list[Row]]]:
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
