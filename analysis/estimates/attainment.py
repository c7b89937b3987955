"""The empirical attainment function: the share of trials that had reached a return by a time.

alpha(t, r) is the share of trials with at least one evaluation at or before t whose mean return is at
least r (Grunert da Fonseca, Fonseca & Hall 2001; for one objective over time López-Ibáñez et al. 2024,
https://arxiv.org/abs/2404.02031). A return that was reached counts as reached from then on. If a trial
ended before t without reaching r, it is unknown whether it would have, and the share there is unknown. A
diverged trial counts as reaching no more.

Two values are compared over the whole surface by a permutation test within seeds. The statistic is the
largest difference of their shares (Nichols & Holmes 2002 compare images by their maximum in this way). With
few trials, largest differences are often equal; then the one that covers more of the surface counts more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress, product
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.estimates.blocked import PERMUTATIONS, ROUNDING, PValue, comparable
from analysis.estimates.compare import Compared
from analysis.estimates.samples import evaluations, group, seeds
from analysis.estimates.statistics import SIGNIFICANT
from analysis.records import Axis, Row, Sweep, Timeline, moments
from dqn_exp.runs import NEVER, LearningCurve
from dqn_exp.scores import Floats

TIMES, LEVELS = 60, 40
"""Size of a grid. The times of evaluations are used themselves unless they are too many."""
MOST_VALUES = 12
"""The most values of an axis for which surfaces are computed."""
TIE = 1e-4
"""Added to a difference that covers the whole surface; smaller than the gap between two differences."""
AT_ONCE = 1000
"""Permuted surfaces that are held in memory at a time."""


Signs = NDArray[np.int8]


class Grid(NamedTuple):
    """The times and returns at which a surface is computed; both ascending."""

    times: Floats  # [m]
    returns: Floats  # [k]


class Difference(NamedTuple):
    """The share of a value minus that of the reference."""

    shares: Floats
    """[m, k]; NaN where some trial is unknown."""
    beyond: NDArray[np.bool_]
    """Where the difference exceeds a limit that equal values exceed anywhere with probability 5%: [m, k]."""
    p: PValue
    """p-value of the largest difference."""
    n_seeds: int


class Attainment(NamedTuple):
    """The surface of each value of an axis, and how it differs from that of the reference."""

    grid: Grid
    shares: list[Floats]
    """The surface of each value: [m, k]; NaN where some trial is unknown, NaN everywhere without trials."""
    counts: list[int]
    """Number of trials of each value."""
    reference: int
    """Index of the value that others are compared with."""
    differences: dict[int, Difference]
    """For the index of each value that can be tested."""


def reached(curves: Sequence[LearningCurve], observed_until: ArrayLike, grid: Grid) -> Floats:
    """1 where a trial had reached a return by a time, 0 where it had not, NaN where unknown: [n, m, k].

    `observed_until` [n]: the end of each trial; inf if it is known to reach no more.
    """
    first = np.array([_first_times(curve, grid.returns) for curve in curves])[:, None, :]  # [n, 1, k]
    at = grid.times[:, None]
    unknown = (at > np.asarray(observed_until, float)[:, None, None]) & (first > at)
    return np.where(unknown, np.nan, first <= at)


def _first_times(curve: LearningCurve, returns: Floats) -> Floats:
    """The time when a trial first reached each of `returns` [k]; inf where it never did: [k]."""
    best = np.maximum.accumulate(np.fmax(curve.returns, -np.inf))
    return np.asarray(np.append(curve.times, np.inf)[np.searchsorted(best, returns)])


def difference(pairs: ArrayLike, rng: np.random.Generator, level: float = SIGNIFICANT) -> Difference:
    """Test the difference of two values. `pairs` [seeds, m, k]: one minus the other, NaN where unknown.

    The two values of a seed are exchanged in all 2^seeds ways, or in 10 000 random ways if that is fewer.
    Only points of the surface where all seeds are known are compared; p is 1 if there are none.
    """
    x = np.asarray(pairs, float)
    shares, n_seeds = x.mean(axis=0), len(x)
    known, beyond = np.isfinite(shares), np.zeros(shares.shape, bool)
    if not known.any():
        return Difference(shares, beyond, PValue(1.0, False), n_seeds)
    signs, are_all = _signs(n_seeds, rng)
    largest = _largest(signs, x[:, known])
    as_large = int(np.count_nonzero(largest >= largest[0] - ROUNDING))
    limit = np.sort(largest)[::-1][int(level * len(largest) + ROUNDING)]
    beyond[known] = _sizes(shares[known]) > limit + ROUNDING
    p = PValue(as_large / len(largest), not are_all and as_large == 1)
    return Difference(shares, beyond, p, n_seeds)


def _largest(signs: Signs, pairs: Floats) -> Floats:
    """The largest size of a difference in each permutation: `signs` [P, n], `pairs` [n, cells] -> [P]."""
    cells, count = np.unique(pairs, axis=1, return_counts=True)
    largest_values = []
    for first in range(0, len(signs), AT_ONCE):
        differences = np.abs(signs[first : first + AT_ONCE].astype(float) @ cells) / len(pairs)
        largest = differences.max(axis=1)
        covered = (differences >= largest[:, None] - ROUNDING) @ count / count.sum()
        largest_values.append(largest + TIE * covered)
    return np.concatenate(largest_values)


def _sizes(differences: Floats) -> Floats:
    """The size of each difference [cells]: its magnitude plus `TIE` times the share at least as large."""
    magnitude = np.abs(differences)
    return np.asarray(magnitude + TIE * (magnitude >= magnitude[:, None] - ROUNDING).mean(axis=1))


def _signs(n: int, rng: np.random.Generator) -> tuple[Signs, bool]:
    """Signs [P, n], -1 where a seed's values are exchanged (the first row exchanges none); are these all?"""
    if 2**n <= PERMUTATIONS:
        return np.array(list(product((1, -1), repeat=n)), np.int8), True
    drawn = rng.choice(np.array([1, -1], np.int8), size=(PERMUTATIONS, n))
    return np.vstack([np.ones(n, np.int8), drawn]), False


def surfaces(
    sweep: Sweep, axis: Axis, timeline: Timeline, of: Compared | None, rng: np.random.Generator
) -> Attainment | None:
    """The surfaces of `axis`, and the differences of the values that `of` compares (if it is given).

    None if a trial that did not diverge has no evaluations, if all returns are equal, or if there are more
    than `MOST_VALUES` values. Each seed counts once: if several of its trials are pooled, by their mean.
    """
    rows, groups = sweep.counted, group(sweep.counted, axis)
    curves = [evaluations(sweep, row, timeline) for row in rows]
    unseen = any(not len(c.times) and row["status"] != NEVER for c, row in zip(curves, rows, strict=True))
    grid = None if unseen else grid_of(curves, timeline.horizon)
    if grid is None or len(axis.values) > MOST_VALUES:
        return None
    shares = [
        _by_seed(seeds(members), _reached(sweep, members, timeline, grid)).mean(axis=0)
        if members
        else np.full((len(grid.times), len(grid.returns)), np.nan)
        for members in groups
    ]
    reference = of.codes[0] if of and of.codes else sweep.reference(axis)[0]
    differences = _differences(sweep, of, timeline, grid, rng) if of else {}
    return Attainment(grid, shares, list(map(len, groups)), reference, differences)


def grid_of(curves: Sequence[LearningCurve], horizon: float) -> Grid | None:
    """The grid: the times of evaluations up to the horizon, and equal steps of the return.

    If the times are too many, they are equal steps as well. None if all returns are equal.
    """
    within = [curve.times <= horizon for curve in curves]
    times = moments([curve.times[until] for curve, until in zip(curves, within, strict=True)])
    returns = np.concatenate(
        [np.empty(0), *(c.returns[until] for c, until in zip(curves, within, strict=True))]
    )
    returns = returns[np.isfinite(returns)]
    if not len(returns) or returns.min() == returns.max():
        return None
    at = np.linspace(0.0, horizon, TIMES + 1)[1:] if times is None else times
    return Grid(at, np.linspace(returns.min(), returns.max(), LEVELS))


def _differences(
    sweep: Sweep, of: Compared, timeline: Timeline, grid: Grid, rng: np.random.Generator
) -> dict[int, Difference]:
    """Differences from the reference. Bonferroni corrects p and level for the number of compared values."""
    pairs = {of.codes[code]: _pairs(sweep, of, code, timeline, grid) for code in range(1, len(of.codes))}
    known = {code: pair for code, pair in pairs.items() if pair is not None}
    level = SIGNIFICANT / max(1, len(known))
    differences = {code: difference(pair, rng, level) for code, pair in known.items()}
    return {
        code: pair._replace(p=PValue(min(1.0, len(known) * pair.p.p), pair.p.is_floor))
        for code, pair in differences.items()
    }


def _pairs(sweep: Sweep, of: Compared, code: int, timeline: Timeline, grid: Grid) -> Floats | None:
    """Value number `code` of `of` minus the reference: [seeds, m, k]; None if they share no seeds."""
    comparison = comparable(of.trials.among([0, code]))
    if comparison is None or not comparison.shares_seeds:
        return None
    rows = list(compress(compress(of.rows, np.isin(of.trials.values, [0, code])), comparison.kept))
    trials, reached_by = comparison.trials, _reached(sweep, rows, timeline, grid)
    theirs, ours = (
        _by_seed(trials.seeds[trials.values == value], reached_by[trials.values == value]) for value in (0, 1)
    )
    return ours - theirs


def _reached(sweep: Sweep, rows: Sequence[Row], timeline: Timeline, grid: Grid) -> Floats:
    curves = [evaluations(sweep, row, timeline) for row in rows]
    return reached(curves, timeline.observed_until(rows), grid)


def _by_seed(of: Iterable[object], reached_by: Floats) -> Floats:
    """The mean of `reached_by` [n, m, k] over the trials of each seed in `of` [n]: [seeds, m, k]."""
    codes = np.unique(list(map(str, of)), return_inverse=True)[1]
    return np.array([reached_by[codes == code].mean(axis=0) for code in range(codes.max() + 1)])
