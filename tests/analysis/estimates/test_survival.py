"""Known answers, agreement with lifelines, and nominal rates under simulation."""

from __future__ import annotations

import numpy as np
import pytest
from lifelines import KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test

from analysis.estimates import survival as sv
from analysis.estimates.statistics import Floats, mean_ratio

TIMES = [20, 30, 30, 45, 50, 50, 50]
EVENTS = [1, 1, 1, 1, 0, 0, 0]


def censored(rng: np.random.Generator, scale: float, n: int, budget: float) -> tuple[Floats, np.ndarray]:
    times = np.ceil(rng.exponential(scale, n))
    return np.minimum(times, budget), times < budget


def test_kaplan_meier_median_and_restricted_mean_have_their_known_answers() -> None:
    assert sv.kaplan_meier(TIMES, EVENTS).median == 45
    assert sv.restricted(TIMES, 50).mean() == pytest.approx(39.2857, abs=1e-4)


def test_median_is_not_reached_where_fewer_than_half_converge() -> None:
    assert sv.kaplan_meier([10, 50, 50], [1, 0, 0]).median == np.inf


def test_median_is_reached_where_exactly_half_converge() -> None:
    assert sv.kaplan_meier([10, 20, 50, 50], [1, 1, 0, 0]).median == 20


@pytest.mark.parametrize("n", [1, 2, 3, 5, 10, 30])
def test_the_curve_is_the_product_of_the_shares_that_went_on(n: int) -> None:
    """Kaplan & Meier's formula, written out."""
    rng = np.random.default_rng(n)
    times, events = censored(rng, 30.0, n, 50.0)
    events[0] = True
    curve = sv.kaplan_meier(times, events)
    for at, share in zip(curve.times, curve.share, strict=True):
        seen = [t for t in np.unique(times[events]) if t <= at]
        went_on = [1 - np.sum(events & (times == t)) / np.sum(times >= t) for t in seen]
        assert share == pytest.approx(np.prod(went_on))
    reached = curve.times[curve.share <= 0.5 + 1e-12]
    assert curve.median == (reached[0] if len(reached) else np.inf)


@pytest.mark.parametrize("n", [2, 3, 5, 10, 30])
@pytest.mark.parametrize("scale", [5.0, 30.0, 100.0])
def test_the_curve_and_its_median_are_those_of_lifelines(n: int, scale: float) -> None:
    times, events = censored(np.random.default_rng([n, int(scale)]), scale, n, 50.0)
    events[0] = True
    curve, fitted = sv.kaplan_meier(times, events), KaplanMeierFitter().fit(times, events)
    expected = fitted.survival_function_.iloc[:, 0]
    assert curve.times == pytest.approx(expected.index)
    assert curve.share == pytest.approx(expected)
    assert curve.median == fitted.median_survival_time_


def test_log_rank_has_its_known_answer() -> None:
    times = [10, 20, 20, 50, 50, 30, 40, 50, 50, 50]
    events = [1, 1, 1, 0, 0, 1, 1, 0, 0, 0]
    assert sv.log_rank(times, events, [0] * 5 + [1] * 5).statistic == pytest.approx(0.88793544, abs=1e-8)


@pytest.mark.parametrize("groups", [2, 3, 5])
def test_the_statistic_is_that_of_lifelines(groups: int) -> None:
    times, events = censored(np.random.default_rng(groups), 40.0, 40, 50.0)
    codes = np.arange(40) % groups
    expected = multivariate_logrank_test(times, codes, events)
    assert sv.log_rank(times, events, codes) == pytest.approx(
        (expected.test_statistic, expected.p_value), rel=1e-9
    )


def test_log_rank_is_zero_where_nobody_converges() -> None:
    assert sv.log_rank([50, 50, 50, 50], [0, 0, 0, 0], [0, 0, 1, 1]) == (0, 1)


def test_exponential_times_give_their_true_medians_where_capped_means_mislead() -> None:
    """True means 40k and 120k: medians 27.7k and 83.2k, the latter beyond the budget of 50k."""
    rng = np.random.default_rng(3)
    fast, slow = censored(rng, 40_000, 4000, 50_000), censored(rng, 120_000, 4000, 50_000)
    assert sv.kaplan_meier(*fast).median == pytest.approx(27_700, rel=0.05)
    assert sv.kaplan_meier(*slow).median == np.inf
    capped = mean_ratio(slow[0], fast[0], paired=False).ratio
    assert capped == pytest.approx(1.43, abs=0.05)


def test_at_risk_counts_trials_that_end_at_that_moment() -> None:
    np.testing.assert_array_equal(sv.at_risk([10, 20, 20], [0, 10, 15, 20, 21]), [3, 3, 2, 2, 0])


def test_half_is_not_lost_to_rounding() -> None:
    """Half of 24 trials converged by 12, but the product of shares is 0.5000000000000001."""
    events = np.arange(1, 25) != 13
    curve = sv.kaplan_meier(np.arange(1.0, 25), events)
    assert curve.share[12] > 0.5
    assert curve.median == 12


@pytest.mark.parametrize(
    ("n", "places"), [(5, None), (6, (1, 6)), (9, (2, 8)), (20, (6, 15)), (30, (10, 21))]
)
def test_the_median_lies_between_order_statistics(n: int, places: tuple[int, int] | None) -> None:
    """The table of the sign test at 95%."""
    times = np.random.default_rng(0).permutation(np.arange(1.0, n + 1))
    assert sv.median_limits(times, times > 0) == (places or (0, np.inf))


def test_two_trials_hold_the_median_between_them_with_probability_one_half() -> None:
    assert sv.median_limits([3.0, 7.0], [True, True], level=0.5) == (3, 7)


def test_a_censored_time_is_a_lower_limit_only() -> None:
    times, events = np.array([1, 2, 3, 4, 5, 6.0]), np.array([1, 1, 1, 1, 1, 0])
    assert sv.median_limits(times, events) == (1, np.inf)
    early = np.array([0, 1, 1, 1, 1, 1])
    assert sv.median_limits(times, early) == (1, np.inf)


def test_limits_of_the_median_hold_it_at_their_level() -> None:
    rng = np.random.default_rng(1)
    held = []
    for _ in range(400):
        low, high = sv.median_limits(*censored(rng, 40_000, 10, 50_000))
        held.append(low <= 40_000 * np.log(2) <= high)
    assert np.mean(held) >= 0.95
    assert np.diff(sv.median_limits(np.arange(10.0), np.ones(10), 0.5)) < 9
