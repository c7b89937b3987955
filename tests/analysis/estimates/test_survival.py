"""Known answers, agreement with lifelines, and nominal rates under simulation."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest
from lifelines import KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from lifelines.utils import median_survival_times

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
def test_the_curve_and_its_median_with_interval_are_those_of_lifelines(n: int, scale: float) -> None:
    times, events = censored(np.random.default_rng([n, int(scale)]), scale, n, 50.0)
    events[0] = True
    curve, fitted = sv.kaplan_meier(times, events), KaplanMeierFitter().fit(times, events)
    expected = fitted.survival_function_.iloc[:, 0]
    assert curve.times == pytest.approx(expected.index)
    assert curve.share == pytest.approx(expected)
    assert curve.median == fitted.median_survival_time_
    assert curve.median_interval == tuple(median_survival_times(fitted.confidence_interval_).iloc[0])


def test_the_median_has_the_interval_of_the_log_log_band() -> None:
    """exp(-exp(log(-log 6/7) +- 1.96 * 1.080)) spans 0.5 at 20 already; at 50 the upper bound does not."""
    assert sv.kaplan_meier(TIMES, EVENTS).median_interval == (20, np.inf)


def test_one_trial_or_no_event_gives_no_interval() -> None:
    assert np.isnan(sv.kaplan_meier([5.0], [1]).median_interval).all()
    assert np.isnan(sv.kaplan_meier([50, 50], [0, 0]).median_interval).all()
    assert sv.kaplan_meier([50, 50], [0, 0]).median == np.inf


def test_log_rank_has_its_known_answer() -> None:
    times = [10, 20, 20, 50, 50, 30, 40, 50, 50, 50]
    events = [1, 1, 1, 0, 0, 1, 1, 0, 0, 0]
    assert sv.log_rank(times, events, [0] * 5 + [1] * 5).statistic == pytest.approx(0.88793544, abs=1e-8)


@pytest.mark.parametrize("groups", [2, 3, 5])
def test_the_statistic_for_many_labellings_is_that_of_lifelines(groups: int) -> None:
    rng = np.random.default_rng(groups)
    times, events = censored(rng, 40.0, 40, 50.0)
    labels = [rng.permutation(np.arange(40) % groups) for _ in range(4)]
    expected = [multivariate_logrank_test(times, label, events).test_statistic for label in labels]
    found = sv.log_rank_statistics(times, events, np.array(labels))
    assert found == pytest.approx(expected, rel=1e-9)
    tested, ours = multivariate_logrank_test(times, labels[0], events), sv.log_rank(times, events, labels[0])
    assert ours == pytest.approx((tested.test_statistic, tested.p_value), rel=1e-9)


def test_many_labellings_are_taken_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    times, events = censored(np.random.default_rng(4), 40.0, 30, 50.0)
    labels = np.array([np.random.default_rng(n).permutation(np.arange(30) % 3) for n in range(7)])
    whole = sv.log_rank_statistics(times, events, labels)
    monkeypatch.setattr(sv, "BLOCK", 2 * 30 * 3)
    assert sv.log_rank_statistics(times, events, labels) == pytest.approx(whole, rel=1e-12)


def test_twenty_four_values_of_fifty_trials_take_seconds_and_little_memory() -> None:
    times, events = censored(np.random.default_rng(0), 40_000, 1200, 50_000)
    tracemalloc.start()
    start = time.perf_counter()
    p = sv.permutation_log_rank(
        times, events, np.repeat(np.arange(24), 50), np.random.default_rng(1), permutations=500
    )
    seconds, (_, most) = time.perf_counter() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.5 < p < 0.8
    assert seconds < 5
    assert most < 100e6


def test_permutations_agree_with_the_approximation_for_many_trials() -> None:
    rng = np.random.default_rng(8)
    times, events = censored(rng, 40.0, 200, 50.0)
    groups = np.arange(200) % 2
    p = sv.permutation_log_rank(times, events, groups, rng)
    assert p == pytest.approx(sv.log_rank(times, events, groups).p, abs=0.04)


def test_log_rank_is_zero_where_nobody_converges() -> None:
    assert sv.log_rank([50, 50, 50, 50], [0, 0, 0, 0], [0, 0, 1, 1]) == (0, 1)
    rng = np.random.default_rng(0)
    assert sv.permutation_log_rank([50] * 4, [0] * 4, [0, 0, 1, 1], rng, permutations=50) == 1


def test_permutation_p_of_three_against_three_is_at_least_a_tenth() -> None:
    times, events, groups = [1, 2, 3, 50, 50, 50], [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]
    p = sv.permutation_log_rank(times, events, groups, np.random.default_rng(0), permutations=4000)
    assert p == pytest.approx(0.10, abs=0.02)


def test_permutations_stay_within_strata() -> None:
    """All of the difference lies between strata, so that no permutation can change it."""
    times, groups = [1, 2, 30, 40], [0, 0, 1, 1]
    rng = np.random.default_rng(0)
    assert sv.permutation_log_rank(times, [1] * 4, groups, rng, groups, permutations=100) == 1
    assert sv.permutation_log_rank(times, [1] * 4, groups, rng, permutations=500) < 0.5


def test_log_rank_rejects_equal_groups_at_its_nominal_rate() -> None:
    """A/A: 400 repetitions at 5% reject 20 on average, standard deviation 4.4."""
    rng = np.random.default_rng(1)
    rejected = 0
    for _ in range(400):
        times, events = censored(rng, 60_000, 10, 50_000)
        p = sv.permutation_log_rank(times, events, [0] * 5 + [1] * 5, rng, permutations=199)
        rejected += p <= 0.05
    assert 6 <= rejected <= 34


def test_log_rank_finds_a_threefold_difference() -> None:
    rng = np.random.default_rng(2)
    found = 0
    for _ in range(30):
        fast, slow = censored(rng, 40_000, 20, 50_000), censored(rng, 120_000, 20, 50_000)
        times, events = np.append(fast[0], slow[0]), np.append(fast[1], slow[1])
        found += sv.permutation_log_rank(times, events, [0] * 20 + [1] * 20, rng, permutations=199) <= 0.05
    assert found >= 15


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


def test_the_observed_labels_count_among_the_permutations() -> None:
    """No permutation of 99 separates 8 against 8 trials as these labels do: p = 1 / 100, never 0."""
    times, groups = np.arange(1.0, 17.0), np.repeat([0, 1], 8)
    p = sv.permutation_log_rank(times, np.ones(16), groups, np.random.default_rng(1), permutations=99)
    assert p == 0.01


def test_each_group_is_tested_against_the_reference_alone() -> None:
    """Group 2 is apart from the reference 1; group 0 is as fast as it. 3 against 3: p = 2 / 20 at least."""
    times = np.array([1, 2, 3, 1, 2, 3, 10, 20, 30.0])
    groups, strata = np.repeat([0, 1, 2], 3), np.zeros(9)
    found = sv.permutation_against(1, times, np.ones(9), groups, np.random.default_rng(0), strata)
    assert list(found) == [0, 2]
    assert found[0] == 1
    assert found[2] == pytest.approx(0.1, abs=0.025)


def test_groups_are_tested_within_strata() -> None:
    """All of the difference lies between strata, so that no permutation can change it."""
    groups, rng = np.array([0, 0, 1, 1]), np.random.default_rng(0)
    assert sv.permutation_against(0, [1, 2, 30, 40], np.ones(4), groups, rng, groups) == {1: 1.0}


def test_half_is_not_lost_to_rounding() -> None:
    """Half of 24 trials converged by 12, but the product of shares is 0.5000000000000001."""
    events = np.arange(1, 25) != 13
    curve = sv.kaplan_meier(np.arange(1.0, 25), events)
    assert curve.share[12] > 0.5
    assert curve.median == 12


def test_the_interval_of_the_median_takes_its_level() -> None:
    times, events = np.arange(1.0, 11), np.ones(10)
    fitted = KaplanMeierFitter(alpha=0.5).fit(times, events)
    found = sv.kaplan_meier(times, events, level=0.5).median_interval
    assert found == tuple(median_survival_times(fitted.confidence_interval_).iloc[0])
    assert found != sv.kaplan_meier(times, events).median_interval
