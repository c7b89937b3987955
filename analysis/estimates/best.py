"""Which values may be the best: Hsu's multiple comparisons with the best (1984).

The value with the best mean is truly the best in only 0.13 to 0.59 of sweeps. The set of values that
`may_be_best` selects contains the truly best value in 95%.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dqn_exp.scores import LEVEL

DRAWS = 200_000


def may_be_best(times: ArrayLike, level: float = LEVEL) -> NDArray[np.bool_]:
    """Which values may have the smallest mean of restricted times [seeds >= 2, values >= 2]: [values].

    A value is excluded if its mean exceeds the smallest mean of the others by more than the critical value.
    Seeds are blocks, so their common effect cancels. All values are assumed to have equal variance.
    If the residuals have no spread, no value is excluded.
    """
    x = np.asarray(times, float)
    n_seeds, n_values = x.shape
    means = x.mean(axis=0)
    rest = x - means - x.mean(axis=1, keepdims=True) + x.mean()
    degrees = (n_seeds - 1) * (n_values - 1)
    error = float(np.sqrt(2 * (rest**2).sum() / degrees / n_seeds))
    if error == 0:
        return np.ones(n_values, bool)
    smallest_other = np.array([np.delete(means, k).min() for k in range(n_values)])
    return np.asarray(means - smallest_other <= critical_value(n_values, degrees, level) * error)


@cache
def critical_value(n_values: int, degrees: int, level: float = LEVEL) -> float:
    """Dunnett's one-sided critical value (1955) for comparisons with one of `n_values`, by simulation."""
    rng = np.random.default_rng(0)
    means = rng.standard_normal((DRAWS, n_values))
    largest = (means[:, 1:].max(axis=1) - means[:, 0]) / np.sqrt(2)
    spread = np.sqrt(rng.chisquare(degrees, DRAWS) / degrees)
    return float(np.quantile(largest / spread, level))
