"""Do times to convergence differ between values? A permutation test of log-rank scores within seeds.

Trials that share a seed are correlated, and a value that changes little repeats whole trials. Therefore
the labels of values are permuted only within a seed, and in all strata (combinations of the other axes)
together.

The score of a trial is event - H(T), where H is the Nelson-Aalen estimate of the pooled trials of its
stratum. The sum of a value's scores is its observed minus its expected number of events, as in the
log-rank test (Peto & Peto 1972). The sum is positive if the value is faster than the others. The scores
are computed again for each set of values that is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, permutations
from math import factorial
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dqn_exp.scores import Floats, Interval

PERMUTATIONS = 10_000
CLOSED_UP_TO = 8
"""The most values for which every subset is tested; with more, the test steps down."""
ROUNDING = 1e-9
ROUND = 8
"""Random orders are drawn for a multiple of this number of values; smaller sets of values use them too."""
AT_ONCE = 200
"""Permutations whose sums are computed together: few enough for the processor's cache."""

Direction = Literal["faster", "slower", "neither is faster throughout"]
Integers = NDArray[np.int64]
Order = NDArray[np.unsignedinteger]
Statistic = Callable[[Floats], Floats]
"""Maps sums of scores [..., values] to one number [...]; larger if the values differ more."""


class Trials(NamedTuple):
    """Times to convergence of n trials, and the value, seed and stratum of each trial as codes from 0."""

    times: Floats
    """The time of convergence where `events` is 1, the time of censoring where it is 0: [n]."""
    events: Floats
    values: Integers
    """Code of the tested axis's value: [n]."""
    seeds: Integers
    strata: Integers
    """Code of the combination of the other axes' values: [n]."""

    def among(self, codes: Sequence[int]) -> Trials:
        """Only the trials of the values `codes`, which get new codes 0, 1, ... in the given order."""
        places = np.full(max(int(self.values.max(initial=0)), *codes) + 1, -1)
        places[list(codes)] = np.arange(len(codes))
        kept = places[self.values] >= 0
        return self._replace(values=places[self.values]).where(kept)

    def where(self, kept: NDArray[np.bool_]) -> Trials:
        return Trials._make(column[kept] for column in self)


class PValue(NamedTuple):
    p: float
    is_floor: bool
    """Is `p` the smallest value that so many random permutations can give? It is then written "p <= "."""


UNDECIDED = PValue(1.0, False)


def log_rank_scores(times: ArrayLike, events: ArrayLike, strata: ArrayLike) -> Floats:
    """The score event - H(T) of each trial within its stratum: [n]. Scores of a stratum sum to 0."""
    t, e, s = np.asarray(times, float), np.asarray(events, float), np.asarray(strata)
    scores = np.empty(len(t))
    for stratum in np.unique(s):
        here = s == stratum
        place = np.unique(t[here], return_inverse=True)[1]
        at_risk = np.cumsum(np.bincount(place)[::-1])[::-1]
        hazard = np.cumsum(np.bincount(place, weights=e[here]) / at_risk)
        scores[here] = e[here] - hazard[place]
    return scores


class Comparison(NamedTuple):
    """The trials on which all values can be compared."""

    trials: Trials
    shares_seeds: bool
    """Are values permuted only within a seed? Otherwise among all trials of a stratum."""
    kept: NDArray[np.bool_]
    """Mask of these trials among all trials: [n]."""


def comparable(trials: Trials, n_values: int = 0) -> Comparison | None:
    """The trials of those combinations of seed and stratum in which every value was tried.

    If there is no such combination: the trials of the strata in which every value was tried. None if there
    is no such stratum either. `n_values` is the number of values; 0 takes it from the trials.
    """
    n_values = n_values or int(trials.values.max(initial=0)) + 1
    for shared in (True, False):
        seeds = trials.seeds if shared else np.zeros_like(trials.seeds)
        cells = np.unique(np.stack([seeds, trials.strata]), axis=1, return_inverse=True)[1].ravel()
        met = np.zeros((int(cells.max(initial=-1)) + 1, n_values), dtype=bool)
        met[cells, trials.values] = True
        everywhere = np.flatnonzero(met.all(axis=1))
        kept = np.isin(cells, everywhere)
        if kept.any():
            return Comparison(trials.where(kept), shared, kept)
    return None


class Shuffler:
    """Permutes values within seeds: exhaustively if the permutations are few, otherwise at random.

    Random orders are drawn once for each shape of a table, so tests of the same trials agree.
    """

    def __init__(self, rng: np.random.Generator, permutations: int = PERMUTATIONS) -> None:
        self._rng, self._permutations = rng, permutations
        self._drawn: dict[tuple[int, ...], Order] = {}
        self._of_trials: dict[tuple[int, ...], Integers] = {}

    def p_value(self, comparison: Comparison, statistic: Statistic) -> PValue:
        """The share of permutations whose `statistic` is at least as large as the observed one."""
        trials = comparison.trials
        scores = log_rank_scores(trials.times, trials.events, trials.strata)
        return self.p_value_of(scores, comparison, statistic)

    def p_value_of(self, scores: Floats, comparison: Comparison, statistic: Statistic) -> PValue:
        """The p-value for other `scores` [n] of the trials, which must sum to 0 in each stratum."""
        trials = comparison.trials
        labels = np.eye(int(trials.values.max()) + 1)[trials.values]
        if comparison.shares_seeds:
            permuted, are_all = self._within_seeds(sums_by_seed(trials, scores))
        else:
            permuted, are_all = scores[self._within_strata(trials.strata)] @ labels, False
        extreme = int(np.count_nonzero(statistic(permuted) >= statistic(scores @ labels) - ROUNDING))
        if are_all:
            return PValue(extreme / len(permuted), False)
        return PValue((1 + extreme) / (1 + len(permuted)), extreme == 0)

    def permuted(self, tables: Floats) -> Iterator[Floats]:
        """Column sums of several tables [tables, seeds, values] after P random permutations of the values
        within each seed; all tables are permuted alike.

        Yields a part of the permutations at a time, because all need gigabytes for hundreds of values:
        [tables, some of P, values].
        """
        n_tables, n_rows, n_values = tables.shape
        by_value = np.ascontiguousarray(tables.transpose(1, 2, 0))
        for first in range(0, self._permutations, AT_ONCE):
            some = slice(first, min(first + AT_ONCE, self._permutations))
            sums = np.zeros((some.stop - first, n_values, n_tables))
            for row, order in zip(by_value, self._orders(n_rows, n_values, some), strict=True):
                sums += row[order]
            yield np.ascontiguousarray(sums.transpose(2, 0, 1))

    def _within_seeds(self, table: Floats) -> tuple[Floats, bool]:
        """Column sums [P, values] of `table` [seeds, values] with each row permuted, and whether these are
        all permutations."""
        n_rows, n_values = table.shape
        sums = np.zeros((1, n_values))
        if factorial(n_values) ** n_rows <= self._permutations:
            orders = np.array(list(permutations(range(n_values))))
            for row in table:
                sums = (sums[:, None] + row[orders]).reshape(-1, n_values)
            return sums, True
        sums = np.zeros((self._permutations, n_values))
        for row, order in zip(table, self._orders(n_rows, n_values), strict=True):
            sums += row[order]
        return sums, False

    def _orders(self, n_rows: int, n_values: int, some: slice = slice(None)) -> Iterator[Order]:
        """Random orders of each row, or `some` of them: [rows] of [P, values].

        Orders are drawn for a multiple of `ROUND` values; the places from `n_values` on are removed.
        """
        drawn = ROUND * -(-n_values // ROUND)
        for orders in self._rows(n_rows, drawn)[:, some]:
            yield orders if n_values == drawn else orders[orders < n_values].reshape(-1, n_values)

    def _rows(self, n_rows: int, n_values: int) -> Order:
        """Random orders, drawn once for each shape: [rows, P, values]."""
        shape = n_rows, self._permutations, n_values
        if shape not in self._drawn:
            drawn = np.empty(shape, np.min_scalar_type(n_values))
            for row in drawn:
                row[:] = np.argsort(self._rng.random(shape[1:], dtype=np.float32), axis=1)
            self._drawn[shape] = drawn
        return self._drawn[shape]

    def _within_strata(self, strata: Integers) -> Integers:
        """Random orders of the trials within each stratum: [P, n]."""
        key = tuple(strata.tolist())
        if key not in self._of_trials:
            places = np.argsort(strata, kind="stable")
            orders = np.empty((self._permutations, len(strata)), np.int64)
            orders[:, places] = np.argsort(strata + self._rng.random(orders.shape), axis=1)
            self._of_trials[key] = orders
        return self._of_trials[key]


def sums_by_seed(trials: Trials, numbers: Floats) -> Floats:
    """Sums of `numbers` [n] over the trials of each seed and value: [seeds, values]."""
    seeds = np.unique(trials.seeds, return_inverse=True)[1]
    table = np.zeros((int(seeds.max()) + 1, int(trials.values.max()) + 1))
    np.add.at(table, (seeds, trials.values), numbers)
    return table


def omnibus(trials: Trials, shuffler: Shuffler) -> PValue | None:
    """Do any values differ? None if the values cannot all be compared."""
    comparison = comparable(trials)
    return shuffler.p_value(comparison, spread) if comparison else None


def spread(sums: Floats) -> Floats:
    return np.asarray(((sums - sums.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1))


def largest_difference(sums: Floats) -> Floats:
    """The largest difference of a value's sum from that of the first value."""
    return np.asarray(np.abs(sums[..., 1:] - sums[..., :1]).max(axis=-1))


def against(trials: Trials, reference: int, shuffler: Shuffler) -> dict[int, PValue]:
    """Which values differ from `reference`? The p-values control the family-wise error (closed test).

    The p of a value is the largest p over all sets of values that contain it (Marcus, Peritz & Gabriel
    1976). With more than `CLOSED_UP_TO` values, the reference included, it is that of a step-down test
    (Westfall & Young 1993, algorithm 2.8). Values that cannot be compared with the reference are left out.
    """
    others = [
        code
        for code in np.unique(trials.values).tolist()
        if code != reference and comparable(trials.among([reference, code]))
    ]

    def p_value(codes: Sequence[int]) -> PValue:
        comparison = comparable(trials.among([reference, *codes]))
        return shuffler.p_value(comparison, largest_difference) if comparison else UNDECIDED

    if len(others) < CLOSED_UP_TO:
        return _closed(others, p_value)
    ordered = sorted(others, key=lambda code: -abs(advantage(trials, reference, code)))
    return _stepping_down(ordered, p_value)


def _closed(others: Sequence[int], p_value: Callable[[Sequence[int]], PValue]) -> dict[int, PValue]:
    largest = dict.fromkeys(others, PValue(0.0, False))
    for size in range(1, len(others) + 1):
        for codes in combinations(others, size):
            result = p_value(codes)
            for code in codes:
                largest[code] = max(largest[code], result)
    return largest


def _stepping_down(ordered: Sequence[int], p_value: Callable[[Sequence[int]], PValue]) -> dict[int, PValue]:
    """`apart`: the values, sorted by their difference from the reference, largest first."""
    largest = PValue(0.0, False)
    result = {}
    for index, code in enumerate(ordered):
        largest = result[code] = max(largest, p_value(ordered[index:]))
    return result


def advantage(trials: Trials, reference: int, code: int) -> float:
    """Observed minus expected events of `code`, minus the same of `reference`: positive if `code` is faster.

    NaN if the two values cannot be compared.
    """
    comparison = comparable(trials.among([reference, code]))
    if comparison is None:
        return np.nan
    pair = comparison.trials
    scores = log_rank_scores(pair.times, pair.events, pair.strata)
    return float(scores[pair.values == 1].sum() - scores[pair.values == 0].sum())


def direction(advantage: float, interval: Interval) -> Direction:
    """The direction of a value that differs: the sign of its `advantage`, if the `interval` agrees.

    `interval` is that of the ratio of restricted means. It agrees if it is on the same side of 1, or NaN.
    """
    low, high = interval
    is_faster = advantage > 0
    if np.isnan(low) or (high < 1 if is_faster else low > 1):
        return "faster" if is_faster else "slower"
    return "neither is faster throughout"


def trend(trials: Trials, shuffler: Shuffler) -> PValue | None:
    """Do values become faster, or slower, in ascending order? Tests the sum of scores times positions."""
    return _contrasts(trials, shuffler, lambda k: np.arange(k, dtype=float)[None])


def slope(trials: Trials) -> float:
    """Sum of scores times positions: positive if later values are faster. NaN if they cannot be compared."""
    comparison = comparable(trials)
    if comparison is None:
        return np.nan
    compared = comparison.trials
    scores = log_rank_scores(compared.times, compared.events, compared.strata)
    return float(scores @ compared.values)


def umbrella(trials: Trials, shuffler: Shuffler) -> PValue | None:
    """Is one value best (or worst), and are others further from it less so? The largest over all peaks.

    After Mack & Wolfe (1981), with standardised contrasts -|position - peak|.
    """

    def peaks(k: int) -> Floats:
        positions = np.arange(k)
        return np.asarray(-np.abs(positions - positions[:, None]), float)

    return _contrasts(trials, shuffler, peaks)


def _contrasts(trials: Trials, shuffler: Shuffler, weights: Callable[[int], Floats]) -> PValue | None:
    comparison = comparable(trials)
    if comparison is None:
        return None
    rows = weights(int(trials.values.max()) + 1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return shuffler.p_value(comparison, lambda sums: np.asarray(np.abs(sums @ rows.T).max(axis=-1)))


def smallest_p(n_seeds: int) -> float:
    """The smallest possible p of two values with common seeds: 2 of the 2^seeds orders are as extreme."""
    return min(1.0, 2.0 ** (1 - n_seeds))
