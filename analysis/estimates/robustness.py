"""Does a difference hold whatever the analyst chooses?

The test is repeated for every combination of threshold, consecutive evaluations, budget and measure. In 0.25
to 0.31 of sweeps without an effect, some choice is significant. Two p-values for all choices together (of the
largest and of the median statistic, permuted within seeds) keep 0.05.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analysis.estimates.blocked import (
    ROUNDING,
    Shuffler,
    comparable,
    log_rank_scores,
    spread,
    sums_by_seed,
)
from analysis.estimates.compare import Compared
from analysis.estimates.samples import evaluations
from analysis.records import Sweep, Timeline
from dqn_exp.convergence import convergence_index
from dqn_exp.runs import LearningCurve
from dqn_exp.scores import Floats, normalised_area

Measure = Literal["log-rank", "RMST", "area", "final"]
OF_TIMES: tuple[Measure, ...] = ("log-rank", "RMST")
OF_RETURNS: tuple[Measure, ...] = ("area", "final")
EASIER = (0.0, 0.1, 0.2)
"""Thresholds: the declared one, lowered by these shares of its distance from the first return."""
CONSECUTIVE = (1, 2, 3, 5)
BUDGETS = (0.5, 0.75, 1.0)
"""Budgets, as shares of the horizon."""


class Choice(NamedTuple):
    """One way to analyse a sweep. `threshold` and `consecutive` are None for measures of returns."""

    measure: Measure
    budget: float
    threshold: float | None = None
    consecutive: int | None = None


class Robustness(NamedTuple):
    """The result of each choice, and of all choices together."""

    choices: list[Choice]
    declared: int
    """Index of the choice that the sweep itself declares."""
    p: Floats
    """The p-value of each choice (do any values differ?): [choices]."""
    best: list[int]
    """The value that did best by each choice: [choices]."""
    p_largest: float
    """p-value of the largest statistic. If small, values differ by at least one choice."""
    p_typical: float
    """p-value of the median statistic. If small, values differ by the typical choice."""


def choices(
    threshold: float, lowest: float, consecutive: int, horizon: float, longest_run: float
) -> tuple[list[Choice], int]:
    """All choices, and the index of the declared one.

    `lowest`: the return at the start of learning. `longest_run`: the largest number of consecutive
    evaluations that can be required. If trials stop at convergence, this is the declared number.
    """
    runs = sorted({run for run in (*CONSECUTIVE, consecutive) if run <= longest_run})
    thresholds = [threshold - share * (threshold - lowest) for share in EASIER]
    listed = [
        Choice(measure, share * horizon, level, run)
        for measure in OF_TIMES
        for share in BUDGETS
        for level in thresholds
        for run in runs
    ]
    listed += [Choice(measure, share * horizon) for measure in OF_RETURNS for share in BUDGETS]
    return listed, listed.index(Choice("log-rank", horizon, threshold, consecutive))


def goodness(curves: Sequence[LearningCurve], strata: ArrayLike, choice: Choice) -> Floats:
    """The goodness of each trial by one choice; larger is better: [n]."""
    if choice.threshold is None or choice.consecutive is None:
        of = _area if choice.measure == "area" else _final
        return np.array([of(curve, choice.budget) for curve in curves])
    times, events = np.full(len(curves), choice.budget), np.zeros(len(curves))
    for place, curve in enumerate(curves):
        within = curve.times <= choice.budget
        index = convergence_index(curve.returns[within], choice.threshold, choice.consecutive)
        if index is not None:
            times[place], events[place] = curve.times[index], 1
    return log_rank_scores(times, events, strata) if choice.measure == "log-rank" else -times


def examine(sweep: Sweep, of: Compared, timeline: Timeline, shuffler: Shuffler) -> Robustness | None:
    """Analyse an axis by every choice. None if its values share no seeds, or a trial has no evaluations."""
    comparison = comparable(of.trials) if of.is_testable else None
    if comparison is None or not comparison.shares_seeds:
        return None
    rows = list(compress(of.rows, comparison.kept))
    curves = [evaluations(sweep, row, timeline) for row in rows]
    if not all(len(curve.times) for curve in curves):
        return None
    rule = rows[0]
    consecutive, stops = int(rule["convergence.consecutive"]), any(row["convergence.stop"] for row in rows)
    lowest = float(np.mean([curve.returns[0] for curve in curves]))
    listed, declared = choices(
        float(rule["convergence.threshold"]),
        lowest,
        consecutive,
        timeline.horizon,
        consecutive if stops else np.inf,
    )
    trials = comparison.trials
    scored = [sums_by_seed(trials, goodness(curves, trials.strata, choice)) for choice in listed]
    return over_all(scored, listed, declared, shuffler)


def _area(curve: LearningCurve, budget: float) -> float:
    return normalised_area(curve.times, curve.returns, budget)


def _final(curve: LearningCurve, budget: float) -> float:
    """The mean of the last three evaluations within the budget."""
    returns = curve.returns[curve.times <= budget]
    return float(returns[-3:].mean()) if len(returns) else float(curve.returns[0])


def over_all(tables: ArrayLike, of: Sequence[Choice], declared: int, shuffler: Shuffler) -> Robustness:
    """Test every choice, and all choices together, with the same permutations.

    `tables` [choices, seeds, values]: sums of goodness over strata. The statistic is the spread of the sums
    of values, divided by its mean over permutations so that choices are comparable.
    """
    x = np.asarray(tables, float)
    observed = x.sum(axis=1)
    spreads = np.concatenate([spread(some) for some in shuffler.permuted(x)], axis=1)  # [choices, P]
    scale = np.maximum(spreads.mean(axis=1), ROUNDING)
    relative, found = spreads / scale[:, None], spread(observed) / scale
    p = (1 + (relative >= found[:, None] - ROUNDING).sum(axis=1)) / (1 + relative.shape[1])
    together = [
        float((1 + (of_all(relative, axis=0) >= of_all(found) - ROUNDING).sum()) / (1 + relative.shape[1]))
        for of_all in (np.max, np.median)
    ]
    return Robustness(list(of), declared, p, observed.argmax(axis=1).tolist(), *together)
