"""Statistics of few trials: functions of arrays, with an explicit generator.

An interval is a pair (low, high), at 95% unless stated; it is (nan, nan) if the data give none.
Known answers, and reasons for these methods: Agarwal et al. 2021, Colas et al. 2019, Patterson et al. 2024.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, ndtri, stdtrit

from dqn_exp.scores import LEVEL, NO_INTERVAL, Floats, Interval, t_interval

ROUNDING = 1e-12
"""Relative differences below this count as 0."""
DRAWS = 4000
"""Random draws (of weights or of signs) for one interval or band."""
MOST_WEIGHTS = 4_000_000
"""The most weights that are held in memory at a time."""
TESTED_FROM = 6
"""The fewest seeds per value for a test. With 3 against 3 the smallest possible p is 0.10."""
SIGNIFICANT = 0.05
EQUIVALENCE = (0.8, 1.25)
"""Margin of equivalence for the ratio of restricted means; it is declared before the data are seen."""
SEEN_FOR_EQUIVALENCE = 0.5
"""The smallest converged fraction for equivalence: if most trials are censored, any ratio is near 1."""


def wilson_interval(successes: int, n: int, level: float = LEVEL) -> Interval:
    """Wilson's score interval of a proportion (1927)."""
    if n == 0:
        return NO_INTERVAL
    z = float(ndtri(0.5 + level / 2))
    share, scale = successes / n, 1 + z**2 / n
    centre = (share + z**2 / (2 * n)) / scale
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / scale
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def exact_limits(shares: ArrayLike, n: ArrayLike, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Exact limits (Clopper & Pearson 1934) of proportions [m], each of `n` [m] trials: [m].

    `n` need not be a whole number.
    """
    share, tail = np.asarray(shares, float), 0.5 - level / 2
    had, had_not = share * n, (1 - share) * n
    low = np.where(share > 0, betaincinv(np.where(share > 0, had, 1), had_not + 1, tail), 0.0)
    high = np.where(share < 1, betaincinv(had + 1, np.where(share < 1, had_not, 1), 1 - tail), 1.0)
    return low, high


def bounded_interval(
    values: ArrayLike, bounds: Interval, rng: np.random.Generator, level: float = LEVEL
) -> Interval:
    """Interval of the mean of `values` [n], which lie within `bounds`.

    The interval never exceeds the bounds and never has width 0. The weights of the values, and of half a
    pseudo-observation at each bound, are drawn from a Dirichlet distribution (Rubin 1981). If nearly all
    values lie at a bound, the nominal 95% interval still covers 0.97 to 0.98; Student's t covers 0.22.
    The interval always contains the mean of the values, even if all values lie at a bound.
    """
    x = np.asarray(values, dtype=float)
    prior, values_and_bounds = [*np.ones(len(x)), 0.5, 0.5], [*x, *bounds]
    at_once = max(1, min(DRAWS, MOST_WEIGHTS // len(prior)))
    sizes = [min(at_once, DRAWS - first) for first in range(0, DRAWS, at_once)]
    means = np.concatenate([rng.dirichlet(prior, size=size) @ values_and_bounds for size in sizes])
    low, high = np.quantile(means, [0.5 - level / 2, 0.5 + level / 2])
    mean = float(x.mean())
    return max(min(float(low), mean), bounds[0]), min(max(float(high), mean), bounds[1])


def mean_interval(
    values: ArrayLike, rng: np.random.Generator, level: float = LEVEL, bounds: Interval | None = None
) -> Interval:
    """Interval of a mean over trials [n]: `bounded_interval` if `bounds` are given, otherwise Student's t.

    Student's t is also used if a value exceeds the bounds. There is no interval if n < 2.
    """
    x = np.asarray(values, dtype=float)
    if len(x) < 2 or bounds is None or not (bounds[0] <= x.min() and x.max() <= bounds[1]):
        return t_interval(x, level)
    return bounded_interval(x, bounds, rng, level)


class Band(NamedTuple):
    centre: Floats
    low: Floats
    high: Floats


def mean_band(curves: ArrayLike) -> Band:
    """Mean of `curves` [n, m] over trials, with Student's 95% intervals: [m] each.

    The intervals are pointwise. They contain the whole true curve in only 0.22 to 0.62 of sweeps.
    """
    x = np.asarray(curves, dtype=float)
    n, centre = len(x), x.mean(axis=0)
    if n < 2:
        return Band(centre, np.full_like(centre, np.nan), np.full_like(centre, np.nan))
    half = stdtrit(n - 1, 0.5 + LEVEL / 2) * x.std(axis=0, ddof=1) / np.sqrt(n)
    return Band(centre, centre - half, centre + half)


def simultaneous_band(curves: ArrayLike, rng: np.random.Generator) -> Band:
    """A band that contains the whole true mean curve of `curves` [n, m] with probability 95%: [m] each.

    The half-width is the same multiple of the standard error at every moment. For the multiple, each
    trial's deviation from the mean gets a random sign, many times; the largest deviation over all moments
    is measured in standard errors, and its 95% quantile is taken (at least Student's t quantile).
    With fewer than three trials, signs carry no information, and the pointwise band is returned.
    """
    x = np.asarray(curves, dtype=float)
    band = mean_band(x)
    if len(x) < 3:
        return band
    n, deviation = len(x), x - band.centre
    error = x.std(axis=0, ddof=1) / np.sqrt(n)
    signs = rng.choice([-1.0, 1.0], size=(DRAWS, n))
    drawn = signs @ deviation / n
    spread = np.sqrt(np.maximum((deviation**2).mean(axis=0) - drawn**2, 0) / (n - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        largest = np.nanmax(np.where(spread > 0, np.abs(drawn) / spread, np.nan), axis=1, initial=0.0)
    half = max(float(np.quantile(largest, LEVEL)), float(stdtrit(n - 1, 0.5 + LEVEL / 2))) * error
    return Band(band.centre, band.centre - half, band.centre + half)


def holm(p_values: ArrayLike) -> Floats:
    """Holm's step-down adjustment (1979) of `p_values` [m]. NaN stays NaN and is not counted."""
    p = np.asarray(p_values, dtype=float)
    adjusted, known = np.full(len(p), np.nan), np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known])]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * factors))
    return adjusted


class Ratio(NamedTuple):
    ratio: float
    interval: Interval


def mean_ratio(values: ArrayLike, reference: ArrayLike, paired: bool, level: float = 0.9) -> Ratio:
    """mean(values) / mean(reference) with an interval on its logarithm (delta method).

    `values` [n] and `reference` [m] are positive. If `paired`, both are in the same order of seeds.
    With the level 0.9, "the interval lies within the margin" is two one-sided tests at 5%
    (Schuirmann 1987). There is no interval below 2 trials, or if the values (if `paired`, the
    differences of pairs) have no spread.
    """
    x, y = np.asarray(values, dtype=float), np.asarray(reference, dtype=float)
    ratio = float(x.mean() / y.mean())
    x, y = x / x.mean(), y / y.mean()
    compared = [x - y] if paired else [x, y]
    if min(len(x), len(y)) < 2 or sum(part.std() for part in compared) < ROUNDING:
        return Ratio(ratio, NO_INTERVAL)
    error, degrees = _paired_error(x - y) if paired else _welch_error(x, y)
    half = stdtrit(degrees, 0.5 + level / 2) * error
    return Ratio(ratio, (float(ratio * np.exp(-half)), float(ratio * np.exp(half))))


def _paired_error(differences: Floats) -> tuple[float, float]:
    n = len(differences)
    return float(differences.std(ddof=1) / np.sqrt(n)), n - 1


def _welch_error(x: Floats, y: Floats) -> tuple[float, float]:
    """Standard error of the difference of means, and its degrees of freedom (Welch 1947)."""
    a, b = x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)
    degrees = (a + b) ** 2 / (a**2 / (len(x) - 1) + b**2 / (len(y) - 1))
    return float(np.sqrt(a + b)), float(degrees)


def is_equivalent(interval: Interval) -> bool:
    """Does the whole interval of a ratio lie within the margin? False for NaN."""
    return interval[0] >= EQUIVALENCE[0] and interval[1] <= EQUIVALENCE[1]


def performance_profile(scores: ArrayLike, at: ArrayLike) -> Floats:
    """For each score in `at` [m], the share of `scores` [n] at or above it (Agarwal et al. 2021): [m]."""
    return np.asarray((np.asarray(scores) >= np.asarray(at)[:, None]).mean(axis=1))
