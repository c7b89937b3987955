"""Scores of trials: functions of arrays that studies and analysis share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]
Interval = tuple[float, float]
"""(low, high); (nan, nan) if the data give no interval."""

LEVEL = 0.95
NO_INTERVAL: Interval = (np.nan, np.nan)
DIVERGED = -np.inf
"""The score of a diverged trial when returns are scored. Returns have no lower bound, so only -inf is the
worst score."""


def iqm(values: ArrayLike) -> float:
    """Interquartile mean: the mean without the int(n / 4) lowest and the int(n / 4) highest values."""
    x = np.sort(np.asarray(values, dtype=float))
    cut = len(x) // 4
    return float(x[cut : len(x) - cut].mean()) if len(x) else np.nan


def aggregate(scores: ArrayLike, kind: str, direction: str) -> float:
    """Combine the `scores` [n >= 1] of several seeds into one.

    `kind` is "mean", "iqm" or "worst". The worst score is the lowest if `direction` is "maximize", and the
    highest if it is "minimize".
    """
    x = np.asarray(scores, dtype=float)
    if kind == "worst":
        return float(x.max() if direction == "minimize" else x.min())
    return iqm(x) if kind == "iqm" else float(x.mean())


def normalised(values: ArrayLike, zero: ArrayLike, one: ArrayLike) -> Floats:
    """`values` [n] rescaled so that `zero` becomes 0 and `one` becomes 1; NaN if the two are equal.

    For returns, `zero` is the return of random play and `one` is the threshold (Agarwal et al. 2021). This
    makes environments with different rewards comparable.
    """
    lowest = np.asarray(zero, dtype=float)
    span = np.asarray(one, dtype=float) - lowest
    return np.asarray((np.asarray(values, dtype=float) - lowest) / np.where(span == 0, np.nan, span))


def area(clock: ArrayLike, values: ArrayLike, horizon: float, diverged: bool) -> float:
    """The score of a learning curve: its normalised area, or `DIVERGED` if the trial diverged.

    `normalised_area` extends a curve at its last height. Without this exception, a trial that diverged early
    would score by the returns that it had reached before.
    """
    return DIVERGED if diverged else normalised_area(clock, values, horizon)


def normalised_area(clock: ArrayLike, values: ArrayLike, horizon: float) -> float:
    """Mean height of a learning curve over [0, horizon]: its area divided by the horizon.

    The points are `clock` and `values`, [m] each. Before the first and after the last point the curve is
    constant. NaN if there are no points or `horizon` is not positive.
    """
    t, v = np.asarray(clock, dtype=float), np.asarray(values, dtype=float)
    if not len(t) or not horizon > 0:
        return np.nan
    inside = t[(t > 0) & (t < horizon)]
    grid = np.concatenate([[0.0], inside, [horizon]])
    return float(np.trapezoid(np.interp(grid, t, v), grid) / horizon)


def return_bounds(lowest_reward: object, highest_reward: object, steps: object) -> Interval | None:
    """Lower and upper bound of the return of an episode of at most `steps` steps.

    The rewards are those of one step. The bounds include 0, the return of an episode without steps. None if
    one of the arguments is not a number.
    """
    known = [value for value in (lowest_reward, highest_reward, steps) if isinstance(value, int | float)]
    if len(known) < 3:
        return None
    low, high, most = known
    return min(0.0, low * most), max(0.0, high * most)


def t_interval(values: ArrayLike, level: float = LEVEL) -> Interval:
    """Student's t confidence interval of the mean of `values` [n]; (nan, nan) if n < 2."""
    x = np.asarray(values, dtype=float)
    if len(x) < 2:
        return NO_INTERVAL
    half = stdtrit(len(x) - 1, 0.5 + level / 2) * x.std(ddof=1) / np.sqrt(len(x))
    return float(x.mean() - half), float(x.mean() + half)


class Paired(NamedTuple):
    """The mean difference between paired values."""

    difference: float
    interval: Interval
    correlation: float
    """Between the two values of a pair. The higher it is, the more precise the difference."""


def paired_difference(values: ArrayLike, reference: ArrayLike) -> Paired:
    """Mean of `values - reference`, [n] each, in the same order of seeds, with Student's t interval."""
    x, y = np.asarray(values, dtype=float), np.asarray(reference, dtype=float)
    constant = len(x) < 2 or x.std() == 0 or y.std() == 0
    correlation = np.nan if constant else float(np.corrcoef(x, y)[0, 1])
    return Paired(float(np.mean(x - y)), t_interval(x - y), correlation)


def pareto_front(losses: ArrayLike) -> NDArray[np.bool_]:
    """Which rows of `losses` [n, goals] are not dominated by another row: bool[n].

    A row dominates another row if it is nowhere larger and somewhere smaller. Equal rows do not dominate each
    other.
    """
    x = np.asarray(losses, dtype=float)
    no_worse = (x[:, None] <= x[None, :]).all(axis=2)
    better = (x[:, None] < x[None, :]).any(axis=2)
    return np.asarray(~(no_worse & better).any(axis=0))
