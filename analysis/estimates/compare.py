"""Compares the values of an axis with a reference value: tests and effect sizes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import Any, NamedTuple

import numpy as np

from analysis.estimates import blocked
from analysis.estimates import statistics as st
from analysis.estimates import survival as sv
from analysis.estimates.best import may_be_best
from analysis.estimates.blocked import PValue, Shuffler, Trials
from analysis.estimates.describe import Table, per_seed, with_interval
from analysis.estimates.samples import ConvergenceTimes, events, group, in_pairs, sample, seeds
from analysis.records import Axis, Row, Sweep, Timeline, same_networks
from dqn_exp import scores

OUTCOME = ("convergence.", "evaluation.", "budget.", "env.id")
"""Keys that define the outcome itself. The times to convergence of their values are not compared."""


class Compared(NamedTuple):
    """The trials of an axis that are tested, and the meaning of their codes."""

    axis: Axis
    rows: Sequence[Row]
    """The row of each of the `trials`."""
    trials: Trials
    codes: list[int]
    """For each value of `trials`, the index of that value on the axis. The reference comes first."""

    @property
    def is_testable(self) -> bool:
        """Is there a value to compare with the reference?"""
        return len(self.codes) > 1


def defines_the_outcome(axis: Axis) -> bool:
    """Does this axis define the outcome itself: convergence, evaluation, budget or environment?"""
    return axis.name.startswith(OUTCOME)


def compared(sweep: Sweep, axis: Axis, timeline: Timeline) -> Compared:
    """The trials of the values that can be compared: those with at least `TESTED_FROM` seeds.

    Values that trained the same networks are merged. Trials that still run or were interrupted are
    censored where they stand.
    """
    rows = sweep.observed
    merged = {code: first for first, *others in same_networks(sweep, axis) for code in others}
    reference, _ = sweep.reference(axis)
    reference = merged.get(reference, reference)
    enough = [
        code
        for code, members in enumerate(group(rows, axis))
        if code not in merged and len(set(seeds(members))) >= st.TESTED_FROM
    ]
    usable = sweep.judged and reference in enough and not defines_the_outcome(axis)
    codes = [reference, *(code for code in enough if code != reference)] if usable else []
    all_trials = Trials(
        timeline.times(rows),
        events(rows),
        axis.codes(rows),
        np.unique([str(seed) for seed in seeds(rows)], return_inverse=True)[1],
        sweep.strata(axis, rows),
    )
    if codes:
        rows = list(compress(rows, np.isin(all_trials.values, codes)))
    return Compared(axis, rows, all_trials.among(codes) if codes else all_trials, codes)


class AxisTest(NamedTuple):
    """Tests of all values of an axis together."""

    omnibus: PValue | None
    """Do any values differ? None if the values cannot all be compared."""
    p_holm: float
    """The p of the omnibus test, corrected for the number of axes."""
    trend: PValue | None
    """None unless the axis has three or more numeric values; so for `umbrella`."""
    trend_direction: str
    umbrella: PValue | None
    may_be_best: list[int]
    """Indices (on the axis) of the values that may be the fastest."""
    n_values: int


def axis_tests(compared: Sequence[Compared], timeline: Timeline, shuffler: Shuffler) -> list[AxisTest]:
    """Tests of each axis. The omnibus tests are corrected for the number of axes (Holm)."""
    omnibus = [blocked.omnibus(of.trials, shuffler) if of.is_testable else None for of in compared]
    p_holm = st.holm([one.p if one else np.nan for one in omnibus])
    return [
        AxisTest(one, float(p), *_ordered(of, shuffler), _may_be_best(of, timeline), len(of.codes))
        for of, one, p in zip(compared, omnibus, p_holm, strict=True)
    ]


def _ordered(of: Compared, shuffler: Shuffler) -> tuple[PValue | None, str, PValue | None]:
    """Trend test, its direction, and umbrella test, for three or more numeric values."""
    if not of.axis.numeric or len(of.codes) < 3:
        return None, "", None
    trials = of.trials.among(np.argsort(of.codes).tolist())
    direction = "faster" if blocked.slope(trials) > 0 else "slower"
    return blocked.trend(trials, shuffler), direction, blocked.umbrella(trials, shuffler)


def _may_be_best(of: Compared, timeline: Timeline) -> list[int]:
    comparison = blocked.comparable(of.trials) if len(of.codes) > 2 else None
    if not comparison or not comparison.shares_seeds:
        return []
    trials = comparison.trials
    sums, number = (
        blocked.sums_by_seed(trials, numbers)
        for numbers in (sv.restricted(trials.times, timeline.horizon), np.ones(len(trials.times)))
    )
    if len(sums) < 2:
        return []
    return sorted(compress(of.codes, may_be_best(sums / number)))


def asymptotic(sweep: Sweep, axis: Axis, timeline: Timeline) -> sv.LogRank:
    """The log-rank test by its chi-squared approximation, which ignores seeds and the other axes."""
    trials = sample(sweep.counted, timeline)
    return sv.log_rank(trials.times, trials.events, axis.codes(sweep.counted))


def comparison_table(sweep: Sweep, of: Compared, timeline: Timeline, shuffler: Shuffler) -> Table:
    """Each value against the reference: tests, direction, and the ratio of restricted means.

    `p_closed` is the p of the closed test; claims are made from this one. `p` is that of the pair alone, and
    `p_holm` is `p` after Holm's correction. `advantage` is positive if the value is faster.
    """
    closed = blocked.against(of.trials, 0, shuffler)
    alone = {code: blocked.against(of.trials.among([0, code]), 0, shuffler)[1].p for code in closed}
    holm = dict(zip(closed, st.holm(list(alone.values())), strict=True))
    level = 1 - 2 * st.SIGNIFICANT / max(1, len(closed))
    groups = group(sweep.counted, of.axis)
    return [
        {
            of.axis.name: of.axis.values[of.codes[code]],
            "p": alone[code],
            **_effect(sweep, of, code, groups, timeline, level),
            "p_holm": float(holm[code]),
            "p_closed": closed[code].p,
            "p_closed_is_floor": closed[code].is_floor,
            "advantage": blocked.advantage(of.trials, 0, code),
        }
        for code in closed
    ]


def _effect(
    sweep: Sweep, of: Compared, code: int, groups: Sequence[list[Row]], timeline: Timeline, level: float
) -> dict[str, Any]:
    ours, theirs = groups[of.codes[code]], groups[of.codes[0]]
    pairs = in_pairs(sweep, of.axis, ours, theirs)
    x, y = (sample(rows, timeline) for rows in pairs or (ours, theirs))
    return effect(x, y, timeline.horizon, pairs is not None, level)


def effect(
    trials: ConvergenceTimes, reference: ConvergenceTimes, horizon: float, paired: bool, level: float = 0.9
) -> dict[str, Any]:
    """How much slower (or faster) these trials are than those of the reference, in restricted times.

    If `paired`, both are in the same order of seeds, and the result has mean difference and correlation.
    `level` is the level of the ratio's interval. For equivalence this interval must lie within the margin.
    """
    x, y = (per_seed(part.seeds, sv.restricted(part.times, horizon)) for part in (trials, reference))
    ratio, interval = st.mean_ratio(x, y, paired, level)
    observed_share = min(trials.events.mean(), reference.events.mean())
    numbers = {
        **with_interval("rmst_ratio", ratio, interval),
        "rmst_ratio_level": level,
        "paired": paired,
        "equivalent": bool(st.is_equivalent(interval) and observed_share >= st.SEEN_FOR_EQUIVALENCE),
    }
    if paired:
        pair = scores.paired_difference(x, y)
        numbers |= with_interval("difference", pair.difference, pair.interval)
        numbers["correlation"] = pair.correlation
    return numbers
