"""Which differences between the values of an axis hold: tests and effects against a reference."""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis.estimates import statistics as st
from analysis.estimates import survival as sv
from analysis.estimates.describe import Table, per_seed, with_interval
from analysis.estimates.samples import Sample, group, in_pairs, sample, seeds
from analysis.records import Axis, Sweep, Timeline
from dqn_exp import scores


def is_testable(sweep: Sweep, axis: Axis) -> bool:
    """Are there values to compare, and at least `TESTED_FROM` seeds of each that has any?"""
    counts = [len(set(seeds(rows))) for rows in group(sweep.counted, axis) if rows]
    return sweep.judged and len(counts) > 1 and min(counts) >= st.TESTED_FROM


def omnibus(sweep: Sweep, axis: Axis, timeline: Timeline, rng: np.random.Generator) -> float:
    """Permutation p-value: do the times to convergence differ between any values of `axis`?

    Labels are permuted among trials that agree on every other axis.
    """
    trials = sample(sweep.counted, timeline)
    codes, strata = axis.codes(sweep.counted), sweep.strata(axis)
    return sv.permutation_log_rank(trials.times, trials.events, codes, rng, strata)


def asymptotic(sweep: Sweep, axis: Axis, timeline: Timeline) -> sv.LogRank:
    """The same test by its approximation for many trials, blind to the other axes."""
    trials = sample(sweep.counted, timeline)
    return sv.log_rank(trials.times, trials.events, axis.codes(sweep.counted))


def comparison_table(sweep: Sweep, axis: Axis, timeline: Timeline, rng: np.random.Generator) -> Table:
    """Each value of `axis` against the reference value: log-rank (Holm), ratio, pairs by seed."""
    reference, _ = sweep.reference(axis)
    trials = sample(sweep.counted, timeline)
    codes, strata = axis.codes(sweep.counted), sweep.strata(axis)
    p = sv.permutation_against(reference, trials.times, trials.events, codes, rng, strata)
    adjusted = st.holm(list(p.values()))
    return [
        {
            axis.name: axis.values[code],
            "p": p[code],
            **_effect(sweep, axis, code, reference, timeline),
            "p_holm": float(p_holm),
        }
        for code, p_holm in zip(p, adjusted, strict=True)
    ]


def _effect(sweep: Sweep, axis: Axis, code: int, reference: int, timeline: Timeline) -> dict[str, Any]:
    groups = group(sweep.counted, axis)
    pairs = in_pairs(sweep, axis, groups[code], groups[reference])
    x, y = (sample(rows, timeline) for rows in pairs or (groups[code], groups[reference]))
    return effect(x, y, timeline.horizon, paired=pairs is not None)


def effect(trials: Sample, reference: Sample, horizon: float, paired: bool) -> dict[str, Any]:
    """How much slower (or faster) these trials are than those of the reference, on restricted times.

    `paired`: both are in the same order of seeds, so that they have a mean difference and a correlation.
    """
    x, y = (per_seed(part.seeds, sv.restricted(part.times, horizon)) for part in (trials, reference))
    ratio, interval = st.mean_ratio(x, y, paired)
    seen = min(trials.events.mean(), reference.events.mean())
    found = {
        **with_interval("rmst_ratio", ratio, interval),
        "paired": paired,
        "equivalent": bool(st.is_equivalent(interval) and seen >= st.SEEN_FOR_EQUIVALENCE),
    }
    if paired:
        pair = scores.paired_difference(x, y)
        found |= with_interval("difference", pair.difference, pair.interval)
        found["correlation"] = pair.correlation
    return found
