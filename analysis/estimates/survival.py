"""How long until convergence: statistics of censored times.

`times` [n] are times of convergence where `events` [n] is True, and of censoring elsewhere.
Kaplan-Meier is SciPy's; it takes a second to import, so that this happens where it is first needed.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.estimates.statistics import LEVEL, NO_INTERVAL, Floats, Interval


class Survival(NamedTuple):
    """The share of trials that have not converged: `share[j]` from `times[j]` on; and its median."""

    times: Floats
    share: Floats
    median: float
    """The first time by which half have converged; inf where that is not reached."""
    median_interval: Interval
    """Where the band of the curve crosses one half (Brookmeyer & Crowley 1982); inf: no bound there."""


def kaplan_meier(times: ArrayLike, events: ArrayLike, level: float = LEVEL) -> Survival:
    """Kaplan-Meier estimate (1958) by SciPy, a step function from (0, 1) on.

    The median's interval comes from the log-log band (Kalbfleisch & Prentice 1980); there is none
    below two trials or without any event. Needs at least one trial.
    """
    happened = np.asarray(events, dtype=bool).tolist()
    return _fit(tuple(np.asarray(times, dtype=float).tolist()), tuple(happened), level)


@cache
def _fit(times: tuple[float, ...], events: tuple[bool, ...], level: float) -> Survival:
    """Cached: a report asks for the same trials in its tables and in its figures."""
    from scipy.stats import CensoredData, ecdf

    t, happened = np.array(times), np.array(events)
    curve = ecdf(CensoredData(uncensored=t[happened], right=t[~happened])).sf
    at, share = curve.quantiles, curve.probabilities
    interval = NO_INTERVAL
    if len(times) > 1 and happened.any():
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # no band at 0 and 1
            bounds = curve.confidence_interval(level, method="log-log")
        low, high = (np.where(share > 0, bound.probabilities, 0.0) for bound in bounds)
        interval = _halved(at, low), _halved(at, high)
    return Survival(np.append(0.0, at), np.append(1.0, share), _halved(at, share), interval)


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
