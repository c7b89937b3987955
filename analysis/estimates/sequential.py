"""As many seeds as it takes: tests at several looks, with one error rate for all looks together.

At each look every undecided value is compared with a reference on all seeds so far. A value is decided if

- it differs (closed, group-sequential permutation test), or
- it is practically equal (the interval of its ratio of restricted means lies within a margin), or
- it did the same as the reference with every seed; this needs no test.

Decided values get no more seeds.

The error is spent by the spending function of Pocock's boundary (Lan & DeMets 1983): alpha ln(1 + (e - 1) t),
where t is the number of seeds divided by the greatest number of seeds. The permutations of each seed's
trials are drawn from that seed, so earlier looks do not change when seeds are added.

Looks may be added later. Looks that were taken keep the error they have spent. The looks that follow spend
the rest, by the same function from there on. The new schedule may then depend on the data seen so far. This
keeps the error approximately (Proschan, Follmann & Waclawiw 1992; docs/calibration.md), and strictly if a
reserve was kept for exactly those looks. Mueller & Schaefer (2001) keep it exactly: they use the conditional
error of the old schedule, given the data. That error is unknown for scores that are computed again at each
look.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import e, log
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.estimates.blocked import Trials, log_rank_scores
from analysis.estimates.statistics import EQUIVALENCE, SEEN_FOR_EQUIVALENCE, Ratio, mean_ratio
from dqn_exp.scores import Floats, Interval

LOOKS = (8, 12, 16, 20, 30)
ALPHA = 0.05
PATHS = 10_000
ROUNDING = 1e-9

LookVerdict = Literal["differs", "equal", "same", "undecided"]


@dataclass(frozen=True)
class Design:
    """The schedule of looks and the error rates, declared before these looks are taken."""

    looks: Sequence[int] = LOOKS
    """Numbers of seeds, ascending."""
    margin: Interval = EQUIVALENCE
    """Ratios of restricted means that count as practically equal."""
    alpha: float = ALPHA
    paths: int = PATHS
    """Number of random permutations."""
    reserve: float = 0.0
    """Share of alpha that these looks do not spend, so that looks added later can."""
    taken: int = 0
    """How many looks had been taken when this design was declared."""
    earlier: Design | None = None
    """The design by which those looks were taken."""

    def extended(self, looks: Sequence[int], taken: int, reserve: float = 0.0) -> Design:
        """A design with other looks after the first `taken` ones; `looks` includes those."""
        return replace(self, looks=looks, reserve=reserve, taken=taken, earlier=self)

    def spent(self, look: int) -> float:
        """Error for differences that is spent by the end of look number `look` (from 0); 0 for -1."""
        if self.earlier and look < self.taken:
            return self.earlier.spent(look)
        start = self._pocock(self.taken - 1)
        before = self.earlier.spent(self.taken - 1) if self.earlier else 0.0
        return before + (self._total - before) * (self._pocock(look) - start) / (1 - start)

    def spent_on_equality(self, look: int) -> float:
        """Error for equality that is spent at this look. The looks of a design spend equal parts."""
        if self.earlier and look < self.taken:
            return self.earlier.spent_on_equality(look)
        before = sum(map(self.spent_on_equality, range(self.taken)))
        return (self._total - before) / (len(self.looks) - self.taken)

    def unspent(self, taken: int) -> float:
        """Share of alpha that is left after `taken` looks, both for differences and for equality."""
        spent = max(self.spent(taken - 1), sum(map(self.spent_on_equality, range(taken))))
        return max(0.0, round(1 - spent / self.alpha, 9))

    def equivalence_level(self, look: int, n_others: int) -> float:
        """Level of the interval of each value's ratio that decides on equality at this look (from 0)."""
        return 1 - 2 * self.spent_on_equality(look) / n_others

    @property
    def _total(self) -> float:
        return self.alpha * (1 - self.reserve)

    def _pocock(self, look: int) -> float:
        """Share of the error that Pocock's function has spent by this look; 0 before the first."""
        return log(1 + (e - 1) * self.looks[look] / self.looks[-1]) if look >= 0 else 0.0


class Look(NamedTuple):
    """The result of one look at one value."""

    seeds: int
    value: int
    p: float
    """The largest p over all sets of values that contain this one, each set at its latest look. The value
    differs if each set's p was at most the `boundary` of that look."""
    boundary: float
    ratio: Ratio
    """Ratio of restricted means to the reference, with the interval that decides on equality."""
    level: float
    """Level of this interval."""
    verdict: LookVerdict


@dataclass
class Decisions:
    """The looks so far, and the seeds that the next look needs."""

    looks: list[Look]
    seeds_needed: list[int]
    """The number of seeds each value needs for the next look, or its final number of seeds: [values]."""
    is_over: bool
    """Is every value decided, or the last look taken?"""

    @property
    def verdicts(self) -> dict[int, LookVerdict]:
        """The latest verdict on each value that was looked at."""
        return {look.value: look.verdict for look in self.looks}


def decide(
    trials: Trials,
    seeds: Sequence[int],
    reference: int,
    horizon: float,
    design: Design,
    lost: Collection[tuple[int, int]] = (),
    same: Collection[tuple[int, int]] = (),
) -> Decisions:
    """Take every look for which the trials exist. The result of a look does not depend on later seeds.

    `seeds`: in the order in which they are trained, at least as many as the last look takes.
    `lost`: (value, seed) of trials that will never exist; a look does not wait for them.
    `same`: (value, seed) of trials that did the same as the reference's trial of this seed.
    """
    n_values = int(trials.values.max()) + 1
    undecided = [value for value in range(n_values) if value != reference]
    n_others = len(undecided)
    sets = [Set(codes) for size in range(1, n_values) for codes in combinations(undecided, size)]
    table, looks, counts = TrialsBySeed(trials, seeds, design.paths), list[Look](), [0] * n_values
    for number, count in enumerate(design.looks):
        if not undecided:
            break
        for value in (reference, *undecided):
            counts[value] = count
        if not table.holds((reference, *undecided), count, lost):
            return Decisions(looks, counts, is_over=False)
        boundary, level = design.spent(number), design.equivalence_level(number, n_others)
        for one in sets:
            one.look(table, reference, counts, boundary)
        for value in tuple(undecided):
            ratio = table.ratio(value, reference, count, horizon, level)
            holding = [one for one in sets if value in one.codes]
            verdict: LookVerdict = "undecided"
            if all(one.rejected for one in holding):
                verdict = "differs"
            elif table.same(value, reference, count, same):
                verdict = "same"
            elif within(ratio, design.margin) and can_be_equal(table.pair(value, reference, count)):
                verdict = "equal"
            p = max(one.p for one in holding)
            looks.append(Look(count, value, p, boundary, ratio, level, verdict))
            if verdict != "undecided":
                undecided.remove(value)
    return Decisions(looks, counts, is_over=True)


def within(ratio: Ratio, margin: Interval) -> bool:
    """Does the whole interval lie within the margin? False for NaN."""
    return margin[0] <= ratio.interval[0] and ratio.interval[1] <= margin[1]


def can_be_equal(pair: Trials) -> bool:
    """Did enough trials of both values converge? Censored times look alike whatever the true times are."""
    return all(pair.events[pair.values == code].mean() >= SEEN_FOR_EQUIVALENCE for code in (0, 1))


class TrialsBySeed:
    """The trials of a sweep by seed and value."""

    def __init__(self, trials: Trials, seeds: Sequence[int], paths: int) -> None:
        self._trials, self._seeds = trials, np.asarray(seeds)
        self._n_values, self._paths = int(trials.values.max()) + 1, paths
        rows = {seed: row for row, seed in enumerate(seeds)}
        self._places = np.array([rows.get(seed, len(rows)) for seed in trials.seeds.tolist()])
        self._keys: list[Floats] = []

    def holds(self, values: Sequence[int], count: int, lost: Collection[tuple[int, int]]) -> bool:
        """Do the trials of the first `count` seeds of all `values` exist, except those that are lost?"""
        n_strata = len(np.unique(self._trials.strata))
        there = np.zeros((len(self._seeds) + 1, self._n_values))
        np.add.at(there, (self._places, self._trials.values), 1)
        return all(
            there[index, value] >= n_strata or (value, seed) in lost
            for value in values
            for index, seed in enumerate(self._seeds[:count].tolist())
        )

    def same(self, value: int, reference: int, count: int, same: Collection[tuple[int, int]]) -> bool:
        """Is, for each of the first `count` seeds that both values have, (value, seed) in `same`?"""
        pair = self.pair(value, reference, count)
        theirs, ours = (pair.seeds[pair.values == code].tolist() for code in (0, 1))
        shared = set(ours) & set(theirs)
        return bool(shared) and all((value, seed) in same for seed in shared)

    def pair(self, value: int, reference: int, count: int) -> Trials:
        """The trials of the first `count` seeds of the reference (code 0) and of a value (code 1)."""
        return self._trials.where(self._places < count).among([reference, value])

    def keys(self, place: int) -> Floats:
        """Random numbers of one seed; their order on a path is that of its values: [paths, values]."""
        while len(self._keys) <= place:
            generator = np.random.default_rng((int(self._seeds[len(self._keys)]), 0))
            self._keys.append(generator.random((self._paths, self._n_values)))
        return self._keys[place]

    def differences(
        self, codes: Sequence[int], reference: int, counts: Sequence[int]
    ) -> tuple[Floats, Floats]:
        """Each value's sum of scores minus the reference's, over the seeds that have both.

        Returns the observed differences [codes], and those with the values of each seed permuted
        [paths, codes].
        """
        members = [reference, *codes]
        trials, places = self._trials, self._places
        kept = np.isin(trials.values, members) & (places < np.asarray(counts)[trials.values])
        chosen, rows = trials.where(kept), places[kept]
        scores = log_rank_scores(chosen.times, chosen.events, chosen.strata)
        sums = np.full((max(counts), self._n_values), np.nan)
        there = (rows, chosen.values)
        sums[there] = 0
        np.add.at(sums, there, scores)
        observed, permuted = np.zeros(len(codes)), np.zeros((self._paths, len(codes)))
        for place, row in enumerate(sums[:, members]):
            present = np.flatnonzero(np.isfinite(row))
            if len(present) < 2 or present[0] != 0:
                continue
            order = np.argsort(self.keys(place)[:, np.array(members)[present]], axis=1)
            here = row[present]
            observed[present[1:] - 1] += here[1:] - here[0]
            shuffled = here[order]
            permuted[:, present[1:] - 1] += shuffled[:, 1:] - shuffled[:, :1]
        return observed, permuted

    def ratio(self, value: int, reference: int, count: int, horizon: float, level: float) -> Ratio:
        """Ratio of restricted means over those of the first `count` seeds that both values have.

        The times of a seed are averaged over strata.
        """
        means = np.full((2, count), np.nan)
        for row, code in enumerate((value, reference)):
            chosen = (self._trials.values == code) & (self._places < count)
            sums, number = np.zeros(count), np.zeros(count)
            np.add.at(sums, self._places[chosen], np.minimum(self._trials.times[chosen], horizon))
            np.add.at(number, self._places[chosen], 1)
            means[row, number > 0] = sums[number > 0] / number[number > 0]
        ours, theirs = means[:, np.isfinite(means).all(axis=0)]
        return mean_ratio(ours, theirs, paired=True, level=level)


class Set:
    """A set of values, and the hypothesis that none of them differs from the reference."""

    def __init__(self, codes: tuple[int, ...]) -> None:
        self.codes = codes
        self.p, self.rejected = 1.0, False
        """Of the latest look. A rejected hypothesis is not tested again."""
        self.crossed: NDArray[np.bool_] = np.zeros(0, bool)
        """Which paths have crossed a boundary so far: [paths]; empty before the first look."""

    def look(self, table: TrialsBySeed, reference: int, counts: Sequence[int], boundary: float) -> None:
        """Test the hypothesis at this look.

        p is the share of paths that are as extreme as the data now or crossed a boundary at an earlier look.
        The hypothesis is rejected if p is at most `boundary`.
        """
        if self.rejected:
            return
        observed, permuted = table.differences(self.codes, reference, counts)
        farthest = np.abs(permuted).max(axis=1)
        n_paths, crossed = (
            len(farthest),
            self.crossed if len(self.crossed) else np.zeros(len(farthest), bool),
        )
        as_far = np.count_nonzero(crossed | (farthest >= np.abs(observed).max() - ROUNDING))
        self.p = float((1 + as_far) / (1 + n_paths))
        self.rejected = self.p <= boundary
        inside: Floats = np.sort(farthest[~crossed])[::-1]
        allowed = max(0, int(boundary * (1 + n_paths)) - 1 - int(np.count_nonzero(crossed)))
        limit = float(inside[allowed]) if allowed < len(inside) else -np.inf
        self.crossed = crossed | (farthest > limit + ROUNDING)
