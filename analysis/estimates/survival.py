"""How long until convergence: statistics of censored times.

`times` [n] are times of convergence where `events` [n] is True, and of censoring elsewhere.
Kaplan-Meier is SciPy's; it takes a second to import, so that this happens where it is first needed.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtrik

from analysis.estimates.statistics import LEVEL, Floats, Interval


class Survival(NamedTuple):
    """The share of trials that have not converged: `share[j]` from `times[j]` on; and its median."""

    times: Floats
    share: Floats
    median: float
    """The first time by which half have converged; inf where that is not reached."""
    median_interval: Interval
    """Order statistics between which the true median lies; inf: no bound there."""


def kaplan_meier(times: ArrayLike, events: ArrayLike, level: float = LEVEL) -> Survival:
    """Kaplan-Meier estimate (1958) by SciPy, a step function from (0, 1) on. Needs at least one trial."""
    happened = np.asarray(events, dtype=bool).tolist()
    return _fit(tuple(np.asarray(times, dtype=float).tolist()), tuple(happened), level)


@cache
def _fit(times: tuple[float, ...], events: tuple[bool, ...], level: float) -> Survival:
    """Cached: a report asks for the same trials in its tables and in its figures."""
    from scipy.stats import CensoredData, ecdf

    t, happened = np.array(times), np.array(events)
    curve = ecdf(CensoredData(uncensored=t[happened], right=t[~happened])).sf
    at, share = curve.quantiles, curve.probabilities
    limits = median_limits(t, happened, level)
    return Survival(np.append(0.0, at), np.append(1.0, share), _halved(at, share), limits)


def median_limits(times: ArrayLike, events: ArrayLike, level: float = LEVEL) -> Interval:
    """Order statistics that hold the true median with at least this probability, whatever the distribution.

    Below 6 trials none do at 95%: from 0 to infinity. A censored time is a lower limit only: it counts
    as it is below, and as infinite above. (Where the band of the curve crosses one half covers
    0.52, 0.73, 0.92 at n = 2, 3, 5.)
    """
    t, happened = np.asarray(times, dtype=float), np.asarray(events, dtype=bool)
    left_out = int(bdtrik((1 - level) / 2, len(t), 0.5) + 1e-9) if 2.0 ** -len(t) <= (1 - level) / 2 else -1
    if left_out < 0:
        return 0.0, np.inf
    low, high = np.sort(t), np.sort(np.where(happened, t, np.inf))
    return float(low[left_out]), float(high[len(t) - 1 - left_out])


def _halved(times: Floats, share: Floats) -> float:
    """The first of `times` where the `share` is one half or less; inf where it never is."""
    reached = times[share <= 0.5 + 1e-12]
    return float(reached[0]) if len(reached) else np.inf


def at_risk(times: ArrayLike, at: ArrayLike) -> NDArray[np.int64]:
    """How many trials were still training, unconverged, just before each moment `at` [m]: [m]."""
    counts: NDArray[np.int64] = (np.asarray(times) >= np.asarray(at)[:, None]).sum(axis=1)
    return counts


def restricted(times: ArrayLike, horizon: float) -> Floats:
    """min(T, horizon) [n], whose mean is RMST(horizon) if nobody is censored before the horizon."""
    return np.asarray(np.minimum(times, horizon), dtype=np.float64)


class LogRank(NamedTuple):
    statistic: float
    """Chi-squared with (number of groups - 1) degrees of freedom if the groups do not differ."""
    p: float
    """By that approximation, which rejects 7-11% instead of 5% at 5 trials per group."""


def log_rank(times: ArrayLike, events: ArrayLike, groups: ArrayLike) -> LogRank:
    """Log-rank test over `groups` [n]; (0, 1) where nobody converged."""
    from scipy.stats import chi2

    if not np.any(events):
        return LogRank(0.0, 1.0)
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    statistic = log_rank_statistic(times, events, codes)
    return LogRank(statistic, float(chi2.sf(statistic, codes.max())))


def log_rank_statistic(times: ArrayLike, events: ArrayLike, codes: NDArray[np.int64]) -> float:
    """Observed less expected events of each group, `codes` from 0 [n], measured by their covariance
    (Mantel 1966)."""
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
