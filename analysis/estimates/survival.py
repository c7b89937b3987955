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

BLOCK = 300_000
"""Labels of trials by group that are taken at once: about 10 MB."""


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
    codes = _codes(groups)
    statistic = float(log_rank_statistics(times, events, codes[None])[0])
    return LogRank(statistic, float(chi2.sf(statistic, codes.max())))


def permutation_log_rank(
    times: ArrayLike,
    events: ArrayLike,
    groups: ArrayLike,
    rng: np.random.Generator,
    strata: ArrayLike | None = None,
    permutations: int = 2000,
) -> float:
    """p-value of the log-rank statistic, group labels permuted within `strata` [n]."""
    codes = _codes(groups)
    strata = np.zeros(len(codes)) if strata is None else np.asarray(strata)
    orders = _permutations(strata, permutations, rng)
    observed, *permuted = log_rank_statistics(times, events, np.concatenate([codes[None], codes[orders]]))
    extreme = np.count_nonzero(np.array(permuted) >= observed - 1e-9)
    return float((1 + extreme) / (1 + permutations))


def permutation_against(
    reference: int,
    times: ArrayLike,
    events: ArrayLike,
    groups: ArrayLike,
    rng: np.random.Generator,
    strata: ArrayLike,
) -> dict[int, float]:
    """p-value of each other group against the group `reference`, by `permutation_log_rank` of the two.

    `groups`, `strata` [n]. Not corrected for the number of groups.
    """
    t, e, codes, within = (np.asarray(values) for values in (times, events, groups, strata))
    found = {}
    for code in np.unique(codes[codes != reference]).tolist():
        pair = (codes == code) | (codes == reference)
        found[code] = permutation_log_rank(t[pair], e[pair], codes[pair], rng, within[pair])
    return found


def _codes(groups: ArrayLike) -> NDArray[np.int64]:
    return np.asarray(np.unique(np.asarray(groups), return_inverse=True)[1], dtype=np.int64)


def _permutations(strata: NDArray[np.generic], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """`count` random orders that move nobody out of its stratum: [count, n]."""
    orders = np.tile(np.arange(len(strata)), (count, 1))
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        orders[:, members] = members[np.argsort(rng.random((count, len(members))), axis=1)]
    return orders


def log_rank_statistics(times: ArrayLike, events: ArrayLike, codes: NDArray[np.int64]) -> Floats:
    """Log-rank statistics of many labellings at once, groups `codes` from 0 on [P, n]: [P].

    Observed less expected events of each group, measured by their covariance (Mantel 1966).
    """
    order = np.argsort(-np.asarray(times, dtype=float))
    t, e = np.asarray(times, dtype=float)[order], np.asarray(events, dtype=bool)[order]
    moments, happened = np.unique(t[e], return_counts=True)
    number = np.searchsorted(-t, -moments, side="right")  # at risk then: the first so many, the longest first
    hazard = np.append(0.0, np.cumsum(happened / number))
    excess = e - hazard[np.searchsorted(moments, t, side="right")]
    variance = happened * (number - happened) / np.maximum(number - 1, 1)
    groups = np.arange(codes.max() + 1)
    block = max(1, BLOCK // (len(t) * len(groups)))
    blocks = (codes[first : first + block, order] for first in range(0, len(codes), block))
    return np.concatenate([_statistics(b[..., None] == groups, excess, number, variance) for b in blocks])


def _statistics(
    labels: NDArray[np.bool_], excess: Floats, number: NDArray[np.intp], variance: Floats
) -> Floats:
    """Statistics of one-hot `labels` [P, n, K] of trials from the longest to the shortest: [P].

    `excess` [n] of each trial's events over those expected; at each moment the `number` at risk and the
    `variance` of the events.
    """
    observed = excess @ labels
    share = labels.cumsum(axis=1)[:, number - 1] / number[:, None]
    weighted = share * variance[:, None]
    covariance = weighted.sum(axis=1)[:, :, None] * np.eye(labels.shape[2])
    covariance -= np.swapaxes(share, 1, 2) @ weighted
    inverse = np.linalg.pinv(covariance, rcond=1e-9, hermitian=True)
    return np.asarray(np.einsum("pk,pkl,pl->p", observed, inverse, observed))
