"""How many seeds a question needs, from assumptions or from a pilot.

The number of seeds per value to find a ratio of restricted means with a given power is
n = (z_a + z_power)^2 V / ln(ratio)^2 + z_a^2 / 2, by the normal approximation of a paired comparison of
logarithms. V = 2 CV^2 (1 - rho) is the variance of the difference of relative times.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri, ndtri

from analysis.estimates.statistics import EQUIVALENCE, TESTED_FROM

ALPHA = 0.05
POWER = 0.8
LOG_RANK_FACTOR = 1.25
"""At ratios near 1, the log-rank test needs this many times as many seeds."""
CAUTION = 0.8
"""Level of the upper limit that is taken for a pilot's variance. With it, 88% of pilots lead to enough
power; with the point estimate, 59% do."""


class Need(NamedTuple):
    """The number of seeds per value that a question (a ratio, or equivalence) needs."""

    question: str
    seeds: int


def variance(cv: float, correlation: float) -> float:
    """Variance of the difference of relative times of two values, if trials of one seed are correlated."""
    return 2 * cv**2 * (1 - correlation)


def pilot_variance(values: ArrayLike, reference: ArrayLike, level: float = CAUTION) -> float:
    """The upper limit of that variance, from restricted times [n >= 2] of two values, paired by seed."""
    x, y = np.asarray(values, float), np.asarray(reference, float)
    n, variance = len(x), float((x / x.mean() - y / y.mean()).var(ddof=1))
    return (n - 1) * variance / float(chdtri(n - 1, level))


def seeds_for_ratio(ratio: float, variance: float, power: float = POWER, alpha: float = ALPHA) -> int:
    """Seeds per value to find a value that takes `ratio` times as long (or 1 / ratio of the time)."""
    z = float(ndtri(1 - alpha / 2))
    return ceil((z + float(ndtri(power))) ** 2 * variance / log(ratio) ** 2 + z**2 / 2)


def seeds_for_equivalence(
    variance: float, margin: float = EQUIVALENCE[1], power: float = POWER, alpha: float = ALPHA
) -> int:
    """Seeds per value to show that equal values differ by less than `margin`, by two one-sided tests."""
    z = float(ndtri(1 - alpha))
    return ceil((z + float(ndtri((1 + power) / 2))) ** 2 * variance / log(margin) ** 2 + z**2 / 2)


def needs(variance: float, ratios: Sequence[float], power: float = POWER) -> list[Need]:
    """The need of each ratio, and of equivalence.

    A ratio below 1.5 gets a quarter more for the log-rank test, and no ratio fewer than `TESTED_FROM` seeds.
    """
    needed = []
    for ratio in ratios:
        seeds = seeds_for_ratio(ratio, variance, power)
        factor = LOG_RANK_FACTOR if ratio < 1.5 else 1.0
        needed.append(Need(f"{ratio:g} times as long", max(TESTED_FROM, ceil(seeds * factor))))
    low, high = EQUIVALENCE
    needed.append(
        Need(f"practically equal ({low:g} to {high:g})", seeds_for_equivalence(variance, power=power))
    )
    return needed
