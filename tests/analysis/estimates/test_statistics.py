"""Known answers, and nominal rates under simulation."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_ind

from analysis.estimates import statistics as st
from dqn_exp import scores


@pytest.mark.parametrize("n", [3, 5, 10, 40])
def test_t_intervals_cover_at_their_nominal_rate(n: int) -> None:
    rng = np.random.default_rng(n)
    intervals = [st.mean_interval(rng.normal(7, 2, n), rng) for _ in range(1000)]
    covered = np.mean([low <= 7 <= high for low, high in intervals])
    assert covered == pytest.approx(0.95, abs=0.025)


@pytest.mark.parametrize("n", [5, 20])
@pytest.mark.parametrize("at_the_bound", [0.5, 0.8, 0.95])
def test_bounded_intervals_cover_also_where_most_values_lie_at_a_bound(n: int, at_the_bound: float) -> None:
    """Returns of 500 at most, the others even over 0 to 500; Student's t covers 0.22 at n = 5 and 95%."""
    rng, truth = (
        np.random.default_rng([n, int(100 * at_the_bound)]),
        500 * at_the_bound + 250 * (1 - at_the_bound),
    )
    covered = {"bounded": 0, "t": 0}
    for _ in range(250):
        values = np.where(rng.random(n) < at_the_bound, 500.0, rng.uniform(0, 500, n))
        for kind, bounds in (("bounded", (0.0, 500.0)), ("t", None)):
            low, high = st.mean_interval(values, rng, bounds=bounds)
            covered[kind] += bool(low <= truth <= high)
    assert covered["bounded"] / 250 >= 0.92
    if at_the_bound == 0.95:
        assert covered["t"] / 250 < 0.7


@pytest.mark.parametrize("bound", [0.0, 1.0])
def test_a_bounded_interval_holds_the_mean_of_values_at_a_bound(bound: float) -> None:
    low, high = st.bounded_interval([bound] * 10, (0, 1), np.random.default_rng(0))
    assert low <= bound <= high


def test_a_bounded_interval_has_width_and_stays_within_its_bounds() -> None:
    low, high = st.mean_interval([500] * 5, np.random.default_rng(0), bounds=(0, 500))
    assert 300 < low < 490 < high <= 500
    assert np.diff(st.mean_interval([500] * 20, np.random.default_rng(0), bounds=(0, 500))) < 100


def test_bounds_that_a_value_exceeds_are_none() -> None:
    values = [3.0, 4.0, 9.0]
    assert st.mean_interval(values, np.random.default_rng(0), bounds=(0, 8)) == scores.t_interval(values)
    assert np.isnan(st.mean_interval([3.0], np.random.default_rng(0), bounds=(0, 8))).all()


def test_the_band_is_student_s_at_each_moment() -> None:
    curves = np.random.default_rng(9).normal(size=(25, 3))
    band = st.mean_band(curves)
    expected = [scores.t_interval(curves[:, moment]) for moment in range(3)]
    np.testing.assert_allclose(np.stack([band.low, band.high], axis=1), expected)


def test_a_simultaneous_band_holds_the_whole_curve() -> None:
    """Random walks of 40 steps from 10 trials: the pointwise band holds all moments in half of the cases."""
    rng = np.random.default_rng(0)
    whole, pointwise = 0, 0
    for _ in range(150):
        curves = rng.normal(size=(10, 40)).cumsum(axis=1)
        for_all, at_each = st.simultaneous_band(curves, rng), st.mean_band(curves)
        whole += bool((for_all.low <= 0).all() and (for_all.high >= 0).all())
        pointwise += bool((at_each.low <= 0).all() and (at_each.high >= 0).all())
    assert whole / 150 >= 0.9
    assert pointwise / 150 < 0.85


@pytest.mark.parametrize("n", [2, 3])
def test_a_simultaneous_band_of_few_trials_is_that_of_each_moment(n: int) -> None:
    """Its few signs are no distribution, and Student's multiple of so few trials is larger anyway."""
    curves = np.random.default_rng(n).normal(size=(n, 30)).cumsum(axis=1)
    np.testing.assert_allclose(st.simultaneous_band(curves, np.random.default_rng(0)), st.mean_band(curves))


def test_wilson_interval_has_textbook_values() -> None:
    assert st.wilson_interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert st.wilson_interval(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert np.isnan(st.wilson_interval(0, 0)).all()


def test_holm_steps_down() -> None:
    np.testing.assert_allclose(st.holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    np.testing.assert_allclose(st.holm([0.6, 0.9]), [1.0, 1.0])
    np.testing.assert_allclose(st.holm([np.nan, 0.02]), [np.nan, 0.02])


def test_paired_ratio_is_tighter_where_seeds_matter() -> None:
    rng = np.random.default_rng(6)
    luck = rng.normal(100, 20, 10)
    x, y = luck + rng.normal(0, 1, 10), luck + rng.normal(0, 1, 10)
    paired, apart = st.mean_ratio(x, y, paired=True), st.mean_ratio(x, y, paired=False)
    assert np.diff(paired.interval) < np.diff(apart.interval) / 5
    assert st.is_equivalent(paired.interval)


def test_ratio_interval_covers_at_its_nominal_rate() -> None:
    rng = np.random.default_rng(7)
    intervals = [
        st.mean_ratio(rng.gamma(4, 30, 8), rng.gamma(4, 20, 8), paired=False).interval for _ in range(1000)
    ]
    covered = np.mean([low <= 1.5 <= high for low, high in intervals])
    assert covered == pytest.approx(0.90, abs=0.03)


def test_equivalence_needs_the_whole_interval_within_the_margin() -> None:
    assert st.is_equivalent((0.81, 1.2))
    assert not st.is_equivalent((0.79, 1.1))
    assert not st.is_equivalent((0.9, 1.26))
    assert not st.is_equivalent(st.NO_INTERVAL)


def test_no_spread_is_no_proof_of_equivalence() -> None:
    ratio, interval = st.mean_ratio([50, 50, 50], [50, 50, 50], paired=True)
    assert ratio == 1
    assert not st.is_equivalent(interval)


def test_pairs_that_never_differ_have_no_interval() -> None:
    """Nor do those that differ by one factor: rounding is no spread."""
    assert np.isnan(st.mean_ratio([10, 20, 40], [10, 20, 40], paired=True).interval).all()
    assert np.isnan(st.mean_ratio([1.1, 2.2, 3.3], [0.3, 0.6, 0.9], paired=True).interval).all()
    assert np.isfinite(st.mean_ratio([10, 20, 40], [10, 20, 40], paired=False).interval).all()


def test_performance_profile_counts_ties() -> None:
    np.testing.assert_allclose(st.performance_profile([1, 2, 2, 4], [0, 2, 3, 5]), [1, 0.75, 0.25, 0])


@pytest.mark.parametrize("n", [1, 5, 30])
def test_band_is_about_whole_trials(n: int) -> None:
    """Trials that differ by a constant give a band of constant width."""
    curves = np.arange(n)[:, None] + np.linspace(0, 1, 7)
    band = st.mean_band(curves)
    np.testing.assert_allclose(band.centre, curves.mean(axis=0))
    widths = band.high - band.low
    assert np.isnan(widths).all() if n == 1 else np.ptp(widths) < 1e-9 < widths.min()


def test_the_unpaired_interval_is_welch_s() -> None:
    """Standard error and degrees of freedom of SciPy's Welch test on values relative to their means."""
    x, y = np.array([8.0, 10, 12, 10]), np.array([5.0, 15, 10, 2, 18, 10, 7])
    theirs = ttest_ind(x / x.mean(), y / y.mean(), equal_var=False).confidence_interval(0.9)
    ratio, interval = st.mean_ratio(x, y, paired=False)
    half = (theirs.high - theirs.low) / 2
    np.testing.assert_allclose(interval, ratio * np.exp([-half, half]), rtol=1e-12)


def test_the_paired_interval_is_student_s_of_differences_relative_to_the_means() -> None:
    """Relative to their means, [8, 12] and [10, 10] differ by -0.2 and 0.2: standard error 0.2, t 6.314."""
    ratio, interval = st.mean_ratio([8, 12], [5, 5], paired=True)
    assert ratio == 2
    np.testing.assert_allclose(interval, 2 * np.exp([-6.314 * 0.2, 6.314 * 0.2]), rtol=1e-3)


def test_a_ratio_of_one_trial_has_no_interval() -> None:
    with warnings.catch_warnings(action="error"):
        assert np.isnan(st.mean_ratio([8], [5, 6], paired=False).interval).all()
        assert np.isnan(st.mean_ratio([8, 9], [5], paired=False).interval).all()


def test_the_ends_of_the_margin_belong_to_it() -> None:
    assert st.is_equivalent((0.8, 1.25))


def test_exact_limits_are_scipy_s() -> None:
    counts = [0, 1, 7, 10]
    low, high = st.exact_limits([count / 10 for count in counts], 10, 0.8)
    theirs = [binomtest(count, 10).proportion_ci(0.8, method="exact") for count in counts]
    np.testing.assert_allclose(low, [each.low for each in theirs])
    np.testing.assert_allclose(high, [each.high for each in theirs])


def test_wilson_s_interval_takes_its_level() -> None:
    theirs = binomtest(8, 10).proportion_ci(0.8, method="wilson")
    assert st.wilson_interval(8, 10, 0.8) == pytest.approx((theirs.low, theirs.high))
    assert st.wilson_interval(10, 10)[1] == pytest.approx(1)
