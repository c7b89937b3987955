"""Estimates and tests over several environments.

Raw returns are never averaged over environments. They are first scaled to scores: random play is 0 and the
threshold is 1 in each environment (`dqn_exp.scores.normalised`). For interquartile means and probabilities
of improvement, trials are resampled within each environment (stratified bootstrap, Agarwal et al. 2021,
https://arxiv.org/abs/2108.13264). Tests permute values within a seed, in all environments together
(`blocked`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, chdtrc, fdtrc, stdtrit

from analysis.estimates import statistics as st
from analysis.estimates.blocked import (
    Comparison,
    Integers,
    PValue,
    Shuffler,
    Statistic,
    Trials,
    comparable,
    largest_difference,
    log_rank_scores,
    spread,
    sums_by_seed,
)
from analysis.estimates.describe import per_seed
from dqn_exp import scores
from dqn_exp.scores import LEVEL, NO_INTERVAL, Floats, Interval

RESAMPLES = 2000
INTERACTION_FROM = 10
"""The fewest seeds with which the test of interaction keeps its level."""

Groups = Sequence[ArrayLike]
"""Normalised scores of the trials of each environment: [environments] of [n]."""


class Estimate(NamedTuple):
    value: float
    interval: Interval


def over_environments(
    groups: Groups, of: Callable[[Floats], float], rng: np.random.Generator, level: float = LEVEL
) -> Estimate:
    """The statistic `of` (such as `scores.iqm`) of all scores pooled.

    The interval comes from resampling within each environment.
    """
    samples = [np.asarray(group, float) for group in groups]
    drawn = [sample[rng.integers(len(sample), size=(RESAMPLES, len(sample)))] for sample in samples]
    resampled = [of(row) for row in np.concatenate(drawn, axis=1)]
    return Estimate(of(np.concatenate(samples)), _percentiles(resampled, level))


def interquartile_mean(groups: Groups, rng: np.random.Generator) -> Estimate:
    """IQM of the scores of all environments (Agarwal et al. 2021)."""
    return over_environments(groups, scores.iqm, rng)


def probability_of_improvement(groups: Groups, reference: Groups, rng: np.random.Generator) -> Estimate:
    """P(a trial scores higher than one of the reference); ties count half. The mean over environments."""
    pairs = [(np.asarray(x, float), np.asarray(y, float)) for x, y in zip(groups, reference, strict=True)]

    def resampled(x: Floats) -> Floats:
        return x[rng.integers(len(x), size=(RESAMPLES, len(x)))]

    of_draws = np.mean([_superiority(resampled(x), resampled(y)) for x, y in pairs], axis=0)
    observed = np.mean([_superiority(x[None], y[None])[0] for x, y in pairs])
    return Estimate(float(observed), _percentiles(of_draws, LEVEL))


def _superiority(x: Floats, y: Floats) -> Floats:
    """P(x > y) + P(x = y) / 2 of each row: [rows, n], [rows, m] -> [rows]."""
    higher, equal = x[:, :, None] > y[:, None, :], x[:, :, None] == y[:, None, :]
    return np.asarray((higher + equal / 2).mean(axis=(1, 2)))


class Profile(NamedTuple):
    """The share of trials that score at least `at`, with its band: [m] each."""

    at: Floats
    share: Floats
    low: Floats
    high: Floats


def profile(groups: Groups, seeds: Sequence[Sequence[Hashable]], at: ArrayLike) -> Profile:
    """Performance profile over environments (Agarwal et al. 2021) with a pointwise 95% band.

    For each score in `at` [m], the profile is the share of trials with at least this score, averaged over
    environments. `seeds` are the seeds of the trials; all trials of a seed in an environment are one
    observation. The band is the exact interval for the effective number of trials, which has the same
    variance as this mean (Korn & Graubard 1998, Survey Methodology 24, 193-201). There is no band if every
    environment has one seed.
    """
    points = np.asarray(at, float)
    reached = [
        per_seed(of, (np.asarray(group, float)[:, None] >= points).astype(float))
        for group, of in zip(groups, seeds, strict=True)
    ]
    share = np.mean([r.mean(axis=0) for r in reached], axis=0)
    return Profile(points, share, *st.exact_limits(share, _effective_number(reached)))


def _effective_number(reached: Sequence[Floats]) -> Floats:
    """The effective number of trials: so many of one environment give the mean share this variance: [m].

    `reached`: for each environment, shares [seeds, m]. Half a pseudo-observation at 0 and at 1 keeps each
    variance above 0, as in `bounded_interval`.
    """
    n, environments = sum(map(len, reached)), len(reached)
    counts = np.array([[len(r)] for r in reached])
    means = np.array([r.sum(axis=0) + 0.5 for r in reached]) / (counts + 1)
    squares = np.array([(r**2).sum(axis=0) + 0.5 for r in reached]) / (counts + 1)
    mean = means.mean(axis=0)
    variance = ((squares - means**2) / counts).sum(axis=0) / environments**2
    tail = 0.5 + LEVEL / 2
    correction = (stdtrit(n - 1, tail) / stdtrit(n - environments, tail)) ** 2
    return np.asarray(correction * mean * (1 - mean) / variance)


def overall(trials: Trials, environments: Integers, shuffler: Shuffler) -> PValue | None:
    """Do values differ over environments? Tests sums of standardised scores, permuted within seeds.

    `environments` [n]: the environment of each trial. The values of a seed are permuted alike in all
    environments. None if the values cannot be compared.
    """
    return _standardised(trials, environments, shuffler, spread)


def overall_difference(
    trials: Trials, environments: Integers, reference: int, value: int, shuffler: Shuffler
) -> PValue | None:
    """Does `value` differ from `reference` over environments?"""
    chosen = np.isin(trials.values, [reference, value])
    pair = trials.among([reference, value])
    return _standardised(pair, environments[chosen], shuffler, largest_difference)


def overall_advantage(trials: Trials, environments: Integers, reference: int, value: int) -> float:
    """The sum of standardised scores of `value` minus that of `reference`, over environments.

    It is positive if `value` converges sooner; NaN if the two cannot be compared.
    """
    chosen = np.isin(trials.values, [reference, value])
    comparison = comparable(trials.among([reference, value]))
    if comparison is None:
        return np.nan
    scored = _standardised_scores(comparison, environments[chosen])
    return float(np.where(comparison.trials.values == 1, scored, -scored).sum())


def _standardised(
    trials: Trials, environments: Integers, shuffler: Shuffler, statistic: Statistic
) -> PValue | None:
    comparison = comparable(trials)
    if comparison is None:
        return None
    return shuffler.p_value_of(_standardised_scores(comparison, environments), comparison, statistic)


def _standardised_scores(comparison: Comparison, environments: Integers) -> Floats:
    """Log-rank scores of the compared trials, scaled so that each environment has the same spread."""
    compared, within = comparison.trials, environments[comparison.kept]
    scored = log_rank_scores(compared.times, compared.events, compared.strata)
    for environment in np.unique(within):
        here = within == environment
        scored[here] /= np.linalg.norm(sums_by_seed(compared.where(here), scored[here])) or 1.0
    return scored


def in_every_environment(
    trials: Trials, environments: Integers, reference: int, value: int, shuffler: Shuffler
) -> float:
    """The largest one-sided p over environments; of the two sides, the one with the smaller result.

    Below 0.05, `value` is faster in every environment, or slower in every one. NaN if the two values cannot
    be compared in some environment.
    """
    chosen = np.isin(trials.values, [reference, value])
    pair, within = trials.among([reference, value]), environments[chosen]
    by_environment = [comparable(pair.where(within == environment), 2) for environment in np.unique(within)]
    comparisons = [comparison for comparison in by_environment if comparison]
    if len(comparisons) < len(by_environment):
        return np.nan
    sides: tuple[Statistic, Statistic] = (
        lambda sums: np.asarray(sums[..., 1] - sums[..., 0]),
        lambda sums: np.asarray(sums[..., 0] - sums[..., 1]),
    )
    return min(max(shuffler.p_value(one, side).p for one in comparisons) for side in sides)


class Jackknife(NamedTuple):
    """log(mean of x / mean of y) in one environment, its jackknife values and standard error."""

    estimate: float
    values: Floats
    error: float


def jackknife(x: ArrayLike, y: ArrayLike) -> Jackknife:
    """Jackknife of log(mean of x / mean of y). `x`, `y` [n >= 2]: positive, in the same order of seeds."""
    a, b = np.asarray(x, float), np.asarray(y, float)
    n, estimate = len(a), float(np.log(a.mean() / b.mean()))
    without = np.log((a.sum() - a) / (b.sum() - b))
    values = n * estimate - (n - 1) * without
    return Jackknife(estimate, values, float(values.std(ddof=1) / np.sqrt(n)))


def interaction(ratios: Sequence[Jackknife]) -> float:
    """p-value of the hypothesis that the ratio is the same in every environment.

    Welch's analysis of variance (1951) of jackknife values. NaN for one environment, below 10 seeds, or if a
    ratio has no spread.
    """
    n = np.array([len(ratio.values) for ratio in ratios], float)
    variances = np.array([ratio.values.var(ddof=1) for ratio in ratios])
    k = len(ratios)
    if k < 2 or n.min() < INTERACTION_FROM or not (variances > 0).all():
        return np.nan
    means, weights = np.array([ratio.values.mean() for ratio in ratios]), n / variances
    grand = float((weights * means).sum() / weights.sum())
    between = float((weights * (means - grand) ** 2).sum() / (k - 1))
    lack = float(((1 - weights / weights.sum()) ** 2 / (n - 1)).sum())
    f = between / (1 + 2 * (k - 2) / (k**2 - 1) * lack)
    return float(fdtrc(k - 1, (k**2 - 1) / (3 * lack), f))


def reversal(ratios: Sequence[Jackknife]) -> float:
    """p-value for a reversal: a value is faster in one environment and slower in another (Gail & Simon 1985).

    It is small if the data show both directions. NaN for one environment, or if a ratio has no spread.
    """
    if len(ratios) < 2 or not all(ratio.error > 0 for ratio in ratios):
        return np.nan
    z = np.array([ratio.estimate / ratio.error for ratio in ratios])
    q, m = min(float((z[z > 0] ** 2).sum()), float((z[z < 0] ** 2).sum())), len(ratios)
    if q == 0:
        return 1.0
    binomial = np.diff([0.0, *(float(bdtr(h, m - 1, 0.5)) for h in range(m))])
    return float(sum(binomial[h] * chdtrc(h, q) for h in range(1, m)))


def _tails(level: float) -> list[float]:
    return [0.5 - level / 2, 0.5 + level / 2]


def _percentiles(values: ArrayLike, level: float) -> Interval:
    x = np.asarray(values, float)
    if not np.isfinite(x).all():
        return NO_INTERVAL
    low, high = np.quantile(x, _tails(level))
    return float(low), float(high)
