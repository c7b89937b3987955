"""Which differences between the values of an axis hold: tests and effects against a reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis.estimates import statistics as st
from analysis.estimates import survival as sv
from analysis.estimates.describe import Table, events, group, per_seed, with_interval
from analysis.records import ALL, Axis, Row, Sweep, Timeline
from dqn_exp import scores


def is_testable(sweep: Sweep, axis: Axis) -> bool:
    """Are there values to compare, and at least six seeds of each?"""
    seeds = [{row["seed"] for row in rows} for rows in group(sweep.counted, axis)]
    return axis is not ALL and sweep.judged and min(map(len, seeds)) >= st.TESTED_FROM


def omnibus(sweep: Sweep, axis: Axis, timeline: Timeline, rng: np.random.Generator) -> float:
    """Permutation p-value: do the times to convergence differ between any values of `axis`?

    Labels are permuted among trials that agree on every other axis.
    """
    return _log_rank(sweep.counted, axis.codes(sweep.counted), sweep.strata(axis), timeline, rng)


def asymptotic(sweep: Sweep, axis: Axis, timeline: Timeline) -> sv.LogRank:
    """The same test by its approximation for many trials, blind to the other axes."""
    rows = sweep.counted
    return sv.log_rank(timeline.times(rows), events(rows), axis.codes(rows))


def _log_rank(
    rows: Sequence[Row], codes: Any, strata: Any, timeline: Timeline, rng: np.random.Generator
) -> float:
    return sv.permutation_log_rank(timeline.times(rows), events(rows), codes, rng, strata)


def comparison_table(sweep: Sweep, axis: Axis, timeline: Timeline, rng: np.random.Generator) -> Table:
    """Each value of `axis` against the reference value: log-rank (Holm), ratio, pairs by seed."""
    reference, _ = sweep.reference(axis)
    codes, strata = axis.codes(sweep.counted), sweep.strata(axis)
    table = []
    for code, value in enumerate(axis.values):
        if code == reference:
            continue
        chosen = np.flatnonzero((codes == code) | (codes == reference))
        rows = [sweep.counted[index] for index in chosen]
        p = _log_rank(rows, codes[chosen], strata[chosen], timeline, rng)
        table.append({axis.name: value, "p": p, **_effect(sweep, axis, code, reference, timeline)})
    for row, adjusted in zip(table, st.holm([row["p"] for row in table]), strict=True):
        row["p_holm"] = float(adjusted)
    return table


def _effect(sweep: Sweep, axis: Axis, code: int, reference: int, timeline: Timeline) -> dict[str, Any]:
    """How much slower (or faster) one value is than the reference, on restricted times."""
    groups = group(sweep.counted, axis)
    paired = _in_pairs(sweep, axis, groups[code], groups[reference])
    parts = paired or (groups[code], groups[reference])
    x, y = (per_seed(part, sv.restricted(timeline.times(part), timeline.horizon)) for part in parts)
    ratio, interval = st.mean_ratio(x, y, paired=paired is not None)
    effect = {**with_interval("rmst_ratio", ratio, interval), "paired": paired is not None}
    seen = min(np.mean(events(part)) for part in parts)
    effect["equivalent"] = bool(st.is_equivalent(interval) and seen >= st.SEEN_FOR_EQUIVALENCE)
    if paired:
        pair = scores.paired_difference(x, y)
        effect |= with_interval("difference", pair.difference, pair.interval)
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
