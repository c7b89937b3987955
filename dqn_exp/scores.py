"""Numbers that trials are scored by: functions of arrays that studies and analysis share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]
Interval = tuple[float, float]
"""(low, high); (nan, nan) where the data give none."""

LEVEL = 0.95
NO_INTERVAL: Interval = (np.nan, np.nan)
DIVERGED = -np.inf
"""The score of a trial that diverged where returns are scored: they have no lower bound, so that nothing else
is the worst."""


def iqm(values: ArrayLike) -> float:
    """Interquartile mean: the mean without the lowest and the highest int(n / 4) values."""
    x = np.sort(np.asarray(values, dtype=float))
    cut = len(x) // 4
    return float(x[cut : len(x) - cut].mean()) if len(x) else np.nan


def aggregate(scores: ArrayLike, kind: str, direction: str) -> float:
    """One score of the `scores` [n >= 1] of several seeds.

    `kind` is "mean", "iqm" or "worst": the lowest where `direction` is "maximize", the highest where it
    is "minimize".
    """
    x = np.asarray(scores, dtype=float)
    if kind == "worst":
        return float(x.max() if direction == "minimize" else x.min())
    return iqm(x) if kind == "iqm" else float(x.mean())


def normalised(values: ArrayLike, zero: ArrayLike, one: ArrayLike) -> Floats:
    """`values` [n] on a scale on which `zero` is 0 and `one` is 1; NaN where these are the same.

    For returns: what random play earns, and the threshold (Agarwal et al. 2021). So environments with other
    rewards can be compared.
    """
    lowest = np.asarray(zero, dtype=float)
    span = np.asarray(one, dtype=float) - lowest
    return np.asarray((np.asarray(values, dtype=float) - lowest) / np.where(span == 0, np.nan, span))


def area(clock: ArrayLike, values: ArrayLike, horizon: float, diverged: bool) -> float:
    """What a learning curve scores: its normalised area, or `DIVERGED`.

    A curve that ended is level from there on, so that a trial that diverged early would be paid for what it
    had reached before.
    """
    return DIVERGED if diverged else normalised_area(clock, values, horizon)


def normalised_area(clock: ArrayLike, values: ArrayLike, horizon: float) -> float:
    """Mean height of a learning curve over [0, horizon]: its area divided by the horizon.

    `clock`, `values` [m]; before its first and after its last point the curve is level.
    """
    t, v = np.asarray(clock, dtype=float), np.asarray(values, dtype=float)
    if not len(t) or not horizon > 0:
        return np.nan
    inside = t[(t > 0) & (t < horizon)]
    grid = np.concatenate([[0.0], inside, [horizon]])
    return float(np.trapezoid(np.interp(grid, t, v), grid) / horizon)


def return_bounds(lowest_reward: object, highest_reward: object, steps: object) -> Interval | None:
    """Between which the return of an episode of at most `steps` lies; None where one of these is no number.

    The rewards are those of one step. An episode may also end at once.
    """
    known = [value for value in (lowest_reward, highest_reward, steps) if isinstance(value, int | float)]
    if len(known) < 3:
        return None
    low, high, most = known
    return min(0.0, low * most), max(0.0, high * most)


def t_interval(values: ArrayLike, level: float = LEVEL) -> Interval:
    """Student's interval of the mean of `values` [n]; none below n = 2."""
    x = np.asarray(values, dtype=float)
    if len(x) < 2:
        return NO_INTERVAL
    half = stdtrit(len(x) - 1, 0.5 + level / 2) * x.std(ddof=1) / np.sqrt(len(x))
    return float(x.mean() - half), float(x.mean() + half)


class Paired(NamedTuple):
    """The mean difference of pairs."""

    difference: float
    interval: Interval
    correlation: float
    """Of the two halves of a pair: the higher it is, the more precise is the difference."""


def paired_difference(values: ArrayLike, reference: ArrayLike) -> Paired:
    """Mean of `values - reference`, [n] each, in the same order of seeds; Student's interval."""
    x, y = np.asarray(values, dtype=float), np.asarray(reference, dtype=float)
    constant = len(x) < 2 or x.std() == 0 or y.std() == 0
    correlation = np.nan if constant else float(np.corrcoef(x, y)[0, 1])
    return Paired(float(np.mean(x - y)), t_interval(x - y), correlation)


def pareto_front(losses: ArrayLike) -> NDArray[np.bool_]:
    """Which rows of `losses` [n, goals] no other row dominates: [n].

    A row dominates another that is nowhere smaller and somewhere larger: equal rows both stay.
    """
    x = np.asarray(losses, dtype=float)
    no_worse = (x[:, None] <= x[None, :]).all(axis=2)
    better = (x[:, None] < x[None, :]).any(axis=2)
    return np.asarray(~(no_worse & better).any(axis=0))
