"""Agreement of two sets of scores for the same configurations. Scores: float64[configurations, seeds]."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Scores = NDArray[np.float64]

Statistic = Callable[[Scores, Scores], float]
"""How well two sets of scores agree."""

REPETITIONS = 2000
BEST = 10
"""How many of the best configurations are compared."""


class Estimate(NamedTuple):
    """A value with its 95% interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def rank_correlation(first: Scores, second: Scores) -> float:
    """Spearman's, of the means of the configurations; NaN where one side has all means alike."""
    ranks = [rankdata(scores.mean(axis=1)) for scores in (first, second)]
    if any(np.ptp(one) == 0 for one in ranks):
        return float("nan")
    return float(np.corrcoef(*ranks)[0, 1])


def over_configurations(
    statistic: Callable[..., float], *scores: Scores, rng: np.random.Generator, repetitions: int = REPETITIONS
) -> Estimate:
    """`statistic` with its percentile bootstrap over configurations, drawn jointly for all `scores`."""
    n = len(scores[0])
    drawn = (rng.integers(n, size=n) for _ in range(repetitions))
    values = [statistic(*(one[rows] for one in scores)) for rows in drawn]
    return Estimate(statistic(*scores), *np.nanquantile(values, [0.025, 0.975]))


def between_seeds(
    statistic: Statistic,
    scores: Scores,
    first: int,
    second: int,
    rng: np.random.Generator,
    repetitions: int = REPETITIONS,
) -> Estimate:
    """How `first` seeds agree with `second` other seeds of the same configurations.

    The median over random divisions of each configuration's seeds, and where 95% of them lie.
    """
    mixed = (rng.permuted(scores, axis=1) for _ in range(repetitions))
    return _spread([statistic(one[:, :first], one[:, first : first + second]) for one in mixed])


def with_others(
    statistic: Statistic,
    ours: Scores,
    theirs: Scores,
    count: int,
    rng: np.random.Generator,
    repetitions: int = REPETITIONS,
) -> Estimate:
    """How ours agree with `count` of their seeds: as `between_seeds`."""
    mixed = (rng.permuted(theirs, axis=1) for _ in range(repetitions))
    return _spread([statistic(ours, one[:, :count]) for one in mixed])


def _spread(values: list[float]) -> Estimate:
    return Estimate(*np.nanquantile(values, [0.5, 0.025, 0.975]))


def share_of_seeds(scores: Scores) -> float:
    """Of the variance of a single trial's score, the part that is due to its seed, in [0, 1].

    Components of variance of a one-way random-effects ANOVA (Searle et al. 1992): a trial is its
    configuration plus its seed.
    """
    n = scores.shape[1]
    within = float(scores.var(axis=1, ddof=1).mean())
    between = max(0.0, (n * float(scores.mean(axis=1).var(ddof=1)) - within) / n)
    return within / (within + between) if within + between else float("nan")


def differences(ours: Scores, theirs: Scores) -> NDArray[np.float64]:
    """Exact two-sided permutation p of the difference of means, for each configuration.

    Which of all seeds are ours is permuted: the p of no difference at all is 1.
    """
    both = np.concatenate([ours, theirs], axis=1)
    k, n = ours.shape[1], both.shape[1]
    chosen = np.array(list(combinations(range(n), k)))
    sums, total = both[:, chosen].sum(axis=2), both.sum(axis=1, keepdims=True)
    gaps = np.abs(sums / k - (total - sums) / (n - k))
    observed = gaps[:, :1]  # the first combination is that of our seeds
    p: NDArray[np.float64] = (gaps >= observed * (1 - 1e-9) - 1e-9).mean(axis=1)
    return p


def difference_of_all(
    ours: Scores, theirs: Scores, rng: np.random.Generator, repetitions: int = REPETITIONS
) -> float:
    """Two-sided permutation p of the difference of the means over all configurations.

    Which seeds are ours is permuted within each configuration; the observed division counts as one of them.
    """
    both, k = np.concatenate([ours, theirs], axis=1), ours.shape[1]
    divisions = (both, *(rng.permuted(both, axis=1) for _ in range(repetitions)))
    gaps = np.abs([one[:, :k].mean() - one[:, k:].mean() for one in divisions])
    return float((gaps >= gaps[0] * (1 - 1e-9)).mean())


def best(scores: Scores) -> list[int]:
    """The configurations with the `BEST` largest means, best first."""
    order: list[int] = np.argsort(-scores.mean(axis=1), kind="stable")[:BEST].tolist()
    return order


def best_in_both(first: Scores, second: Scores) -> float:
    """How many are among the `BEST` of either side."""
    return len(set(best(first)) & set(best(second)))
