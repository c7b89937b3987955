"""Do times to convergence differ between values? Log-rank scores, permuted within seeds.

Trials that share a seed are related, and a value that changes little repeats whole trials. So values
change places only within a seed, and in all strata (combinations of the other axes) at once.

The score of a trial is event - H(T), where H is the Nelson-Aalen estimate of the pooled trials of its
stratum. The sum of a value's scores is its observed less its expected number of events, as in the
log-rank test (Peto & Peto 1972): positive where it is faster than the others. Scores are computed anew
for each set of values that is compared.
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
"""Values up to which every subset of them is tested; with more the test steps down."""
ROUNDING = 1e-9
ROUND = 8
"""Orders are drawn for multiples of so many values, and serve fewer as well."""
AT_ONCE = 200
"""Permutations whose sums are made together: so many stay within reach of the processor."""

Direction = Literal["faster", "slower", "neither is faster throughout"]
Integers = NDArray[np.int64]
Order = NDArray[np.unsignedinteger]
Statistic = Callable[[Floats], Floats]
"""From sums of scores [..., values] to one number [...], the larger the less alike the values are."""


class Trials(NamedTuple):
    """Times to convergence of n trials, and where each trial belongs: codes from 0."""

    times: Floats
    """Of convergence where `events` is 1, of censoring elsewhere: [n]."""
    events: Floats
    values: Integers
    """The value that is tested: [n]."""
    seeds: Integers
    strata: Integers
    """Which trials agree on everything else: [n]."""

    def among(self, codes: Sequence[int]) -> Trials:
        """The trials of the values `codes` alone; these are numbered anew, in the given order."""
        places = np.full(max(int(self.values.max(initial=0)), *codes) + 1, -1)
        places[list(codes)] = np.arange(len(codes))
        kept = places[self.values] >= 0
        return self._replace(values=places[self.values]).where(kept)

    def where(self, kept: NDArray[np.bool_]) -> Trials:
        return Trials._make(column[kept] for column in self)


class PValue(NamedTuple):
    p: float
    is_floor: bool
    """Is it the smallest that so many random permutations can give? Then p is at most this."""


UNDECIDED = PValue(1.0, False)


def log_rank_scores(times: ArrayLike, events: ArrayLike, strata: ArrayLike) -> Floats:
    """event - H(T) of each trial, within its stratum: [n]. In each stratum they sum to 0."""
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
    """May values change places only within a seed? Otherwise among all trials of a stratum."""
    kept: NDArray[np.bool_]
    """Which of all trials these are: [n]."""


def comparable(trials: Trials, n_values: int = 0) -> Comparison | None:
    """The trials of the seeds and strata in which every value was tried; None where there are none.

    Where no seed is shared: those of the strata in which every value was tried. There are `n_values`, or
    as many as these trials have.
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
    """Permutes values within seeds: in every way, where the ways are few, or else in random ones.

    Random orders are drawn once for each shape of a table, so that tests of the same trials agree.
    """

    def __init__(self, rng: np.random.Generator, permutations: int = PERMUTATIONS) -> None:
        self._rng, self._permutations = rng, permutations
        self._drawn: dict[tuple[int, ...], Order] = {}
        self._of_trials: dict[tuple[int, ...], Integers] = {}

    def p_value(self, comparison: Comparison, statistic: Statistic) -> PValue:
        """How seldom `statistic` of a permutation is as large as that of what was observed."""
        trials = comparison.trials
        scores = log_rank_scores(trials.times, trials.events, trials.strata)
        return self.p_value_of(scores, comparison, statistic)

    def p_value_of(self, scores: Floats, comparison: Comparison, statistic: Statistic) -> PValue:
        """The same of other `scores` [n] of the trials, which sum to 0 in each stratum."""
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

    def permuted(self, tables: Floats) -> Floats:
        """Column sums of several tables [tables, seeds, values], values permuted within each seed in the
        same random way in all of them: [tables, P, values]."""
        n_tables, n_rows, n_values = tables.shape
        sums = np.zeros((self._permutations, n_values, n_tables))
        by_value = np.ascontiguousarray(tables.transpose(1, 2, 0))
        for first in range(0, self._permutations, AT_ONCE):
            some = slice(first, first + AT_ONCE)
            for row, order in zip(by_value, self._orders(n_rows, n_values, some), strict=True):
                sums[some] += row[order]
        return np.ascontiguousarray(sums.transpose(2, 0, 1))

    def _within_seeds(self, table: Floats) -> tuple[Floats, bool]:
        """Column sums [P, values] of `table` [seeds, values], each row permuted; are these all there are?"""
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

        Those of fewer values are the orders of more, without the places that there are not.
        """
        drawn = ROUND * -(-n_values // ROUND)
        for orders in self._rows(n_rows, drawn)[:, some]:
            yield orders if n_values == drawn else orders[orders < n_values].reshape(-1, n_values)

    def _rows(self, n_rows: int, n_values: int) -> Order:
        """[rows, P, values]"""
        shape = n_rows, self._permutations, n_values
        if shape not in self._drawn:
            drawn = np.empty(shape, np.min_scalar_type(n_values))
            for row in drawn:
                row[:] = np.argsort(self._rng.random(shape[1:], dtype=np.float32), axis=1)
            self._drawn[shape] = drawn
        return self._drawn[shape]

    def _within_strata(self, strata: Integers) -> Integers:
        """Random orders that move no trial out of its stratum: [P, n]."""
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
    """Do any values differ? None where not all of them can be compared."""
    comparison = comparable(trials)
    return shuffler.p_value(comparison, spread) if comparison else None


def spread(sums: Floats) -> Floats:
    return np.asarray(((sums - sums.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1))


def largest_difference(sums: Floats) -> Floats:
    """From the first value."""
    return np.asarray(np.abs(sums[..., 1:] - sums[..., :1]).max(axis=-1))


def against(trials: Trials, reference: int, shuffler: Shuffler) -> dict[int, PValue]:
    """Which values differ from `reference`, with an error of all statements together (closed test).

    For a value, the largest p over all sets of values that hold it (Marcus, Peritz & Gabriel 1976);
    with more than `CLOSED_UP_TO` values a step-down test (Westfall & Young 1993, algorithm 2.8). Values that
    cannot be compared with the reference are left out.
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
    apart = sorted(others, key=lambda code: -abs(advantage(trials, reference, code)))
    return _stepping_down(apart, p_value)


def _closed(others: Sequence[int], p_value: Callable[[Sequence[int]], PValue]) -> dict[int, PValue]:
    largest = dict.fromkeys(others, PValue(0.0, False))
    for size in range(1, len(others) + 1):
        for codes in combinations(others, size):
            found = p_value(codes)
            for code in codes:
                largest[code] = max(largest[code], found)
    return largest


def _stepping_down(apart: Sequence[int], p_value: Callable[[Sequence[int]], PValue]) -> dict[int, PValue]:
    """`apart`: the values, first the one that seems to differ most."""
    largest = PValue(0.0, False)
    result = {}
    for place, code in enumerate(apart):
        largest = result[code] = max(largest, p_value(apart[place:]))
    return result


def advantage(trials: Trials, reference: int, code: int) -> float:
    """Observed less expected events of `code` less those of `reference`: positive where `code` is faster."""
    comparison = comparable(trials.among([reference, code]))
    if comparison is None:
        return np.nan
    pair = comparison.trials
    scores = log_rank_scores(pair.times, pair.events, pair.strata)
    return float(scores[pair.values == 1].sum() - scores[pair.values == 0].sum())


def direction(advantage: float, interval: Interval) -> Direction:
    """Of a value that differs: the sign of its `advantage`, where the ratio of restricted means agrees.

    `interval` is that of the ratio; one of NaN does not disagree.
    """
    low, high = interval
    is_faster = advantage > 0
    if np.isnan(low) or (high < 1 if is_faster else low > 1):
        return "faster" if is_faster else "slower"
    return "neither is faster throughout"


def trend(trials: Trials, shuffler: Shuffler) -> PValue | None:
    """Do values in ascending order become faster, or slower? Scores times positions, within seeds."""
    return _contrasts(trials, shuffler, lambda k: np.arange(k, dtype=float)[None])


def slope(trials: Trials) -> float:
    """Scores times positions: positive where later values are faster; NaN where values never met."""
    comparison = comparable(trials)
    if comparison is None:
        return np.nan
    compared = comparison.trials
    scores = log_rank_scores(compared.times, compared.events, compared.strata)
    return float(scores @ compared.values)


def umbrella(trials: Trials, shuffler: Shuffler) -> PValue | None:
    """Is some value best (or worst), and others the less so the further they are? The largest over peaks.

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
    """The smallest p that two values with common seeds can have: 2 of 2^seeds orders are as extreme."""
    return min(1.0, 2.0 ** (1 - n_seeds))
