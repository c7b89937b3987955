"""Time until convergence: statistics of censored times.

`times` [n] holds the time of convergence where `events` [n] is True, otherwise the time of censoring.
The Kaplan-Meier estimate is SciPy's. `scipy.stats` takes a second to import, so it is imported when needed.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtrik

from analysis.estimates.statistics import LEVEL, Floats, Interval


class Survival(NamedTuple):
    """The share of trials that have not converged (`share[j]` from `times[j]` on), and the median time."""

    times: Floats
    share: Floats
    median: float
    """The first time by which half of the trials have converged; inf if fewer converge."""
    median_interval: Interval
    """Limits of the true median (order statistics); inf means that there is no upper limit."""


def kaplan_meier(times: ArrayLike, events: ArrayLike, level: float = LEVEL) -> Survival:
    """Kaplan-Meier estimate (1958) by SciPy: a step function from (0, 1) on. Needs at least one trial."""
    happened = np.asarray(events, dtype=bool).tolist()
    return _fit(tuple(np.asarray(times, dtype=float).tolist()), tuple(happened), level)


@cache
def _fit(times: tuple[float, ...], events: tuple[bool, ...], level: float) -> Survival:
    """Cached because a report's tables and figures use the same trials."""
    from scipy.stats import CensoredData, ecdf

    t, happened = np.array(times), np.array(events)
    curve = ecdf(CensoredData(uncensored=t[happened], right=t[~happened])).sf
    at, share = curve.quantiles, curve.probabilities
    limits = median_limits(t, happened, level)
    return Survival(np.append(0.0, at), np.append(1.0, share), _halved(at, share), limits)


def median_limits(times: ArrayLike, events: ArrayLike, level: float = LEVEL) -> Interval:
    """Order statistics that contain the true median with probability at least `level`, for any distribution.

    Below 6 trials no order statistics do so at 95%, and the limits are 0 and infinity. A censored time is
    only a lower limit of T: it counts as itself for the low limit and as infinity for the high one.
    (Limits from where the curve's band crosses one half cover only 0.52, 0.73, 0.92 at n = 2, 3, 5.)
    """
    t, happened = np.asarray(times, dtype=float), np.asarray(events, dtype=bool)
    left_out = int(bdtrik((1 - level) / 2, len(t), 0.5) + 1e-9) if 2.0 ** -len(t) <= (1 - level) / 2 else -1
    if left_out < 0:
        return 0.0, np.inf
    low, high = np.sort(t), np.sort(np.where(happened, t, np.inf))
    return float(low[left_out]), float(high[len(t) - 1 - left_out])


def _halved(times: Floats, share: Floats) -> float:
    """The first of `times` where the `share` is one half or less; inf if there is none."""
    reached = times[share <= 0.5 + 1e-12]
    return float(reached[0]) if len(reached) else np.inf


def at_risk(times: ArrayLike, at: ArrayLike) -> NDArray[np.int64]:
    """The number of trials neither converged nor censored just before each moment `at` [m]: [m]."""
    counts: NDArray[np.int64] = (np.asarray(times) >= np.asarray(at)[:, None]).sum(axis=1)
    return counts


def restricted(times: ArrayLike, horizon: float) -> Floats:
    """min(T, horizon) [n]. The mean is RMST(horizon) if no trial is censored before the horizon."""
    return np.asarray(np.minimum(times, horizon), dtype=np.float64)


class LogRank(NamedTuple):
    statistic: float
    """Chi-squared with (number of groups - 1) degrees of freedom if the groups do not differ."""
    p: float
    """p-value by that approximation; at 5 trials per group it rejects 7-11% instead of 5%."""


def log_rank(times: ArrayLike, events: ArrayLike, groups: ArrayLike) -> LogRank:
    """Log-rank test over `groups` [n]; statistic 0 and p 1 if no trial converged."""
    from scipy.stats import chi2

    if not np.any(events):
        return LogRank(0.0, 1.0)
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    statistic = log_rank_statistic(times, events, codes)
    return LogRank(statistic, float(chi2.sf(statistic, codes.max())))


def log_rank_statistic(times: ArrayLike, events: ArrayLike, codes: NDArray[np.int64]) -> float:
    """Observed minus expected events of the groups, measured by their covariance (Mantel 1966).

    `codes` [n]: the group of each trial, from 0.
    """
    t, e = np.asarray(times, dtype=float), np.asarray(events, dtype=bool)
    labels = np.eye(codes.max() + 1)[codes]
    moments = np.unique(t[e])
    risk = (t >= moments[:, None]).astype(float)  # [moments, n]
    number, happened = risk.sum(axis=1), ((t == moments[:, None]) & e).sum(axis=1)
    excess = (e - (happened / number) @ risk) @ labels
    share = (risk @ labels) / number[:, None]
    weighted = share * (happened * (number - happened) / np.maximum(number - 1, 1))[:, None]
    covariance = np.diag(weighted.sum(axis=0)) - share.T @ weighted
    return float(excess @ np.linalg.pinv(covariance, rcond=1e-9, hermitian=True) @ excess)
