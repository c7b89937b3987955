"""Known answers, and nominal rates under simulation."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.stats import binom, binomtest, ttest_ind

from analysis.estimates import statistics as st
from dqn_exp import scores


@pytest.mark.parametrize("n", [3, 5, 10])
def test_t_intervals_cover_at_their_nominal_rate(n: int) -> None:
    rng = np.random.default_rng(n)
    intervals = [st.mean_interval(rng.normal(7, 2, n), rng) for _ in range(1000)]
    covered = np.mean([low <= 7 <= high for low, high in intervals])
    assert covered == pytest.approx(0.95, abs=0.025)


def test_bootstrap_intervals_cover_for_many_trials() -> None:
    rng = np.random.default_rng(4)
    intervals = [st.mean_interval(rng.normal(7, 2, 40), rng) for _ in range(400)]
    covered = np.mean([low <= 7 <= high for low, high in intervals])
    assert covered == pytest.approx(0.94, abs=0.035)


def test_bootstrap_begins_at_twenty_trials() -> None:
    values = np.random.default_rng(5).normal(size=20)
    assert st.mean_interval(values[:19], np.random.default_rng(0)) == scores.t_interval(values[:19])
    assert st.mean_interval(values, np.random.default_rng(0)) != scores.t_interval(values)


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


def test_performance_profile_counts_ties() -> None:
    np.testing.assert_allclose(st.performance_profile([1, 2, 2, 4], [0, 2, 3, 5]), [1, 0.75, 0.25, 0])


@pytest.mark.parametrize("n", [1, 5, 30])
def test_band_is_about_whole_trials(n: int) -> None:
    """Trials that differ by a constant give a band of constant width."""
    curves = np.arange(n)[:, None] + np.linspace(0, 1, 7)
    band = st.mean_band(curves, np.random.default_rng(0))
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


def test_the_bootstrap_has_the_quantiles_of_the_binomial() -> None:
    """Means of 20 draws from as many zeros as ones: 6 and 14 of 20 are the 2.5% and 97.5% quantiles."""
    values, rng = np.repeat([0, 1], 10), np.random.default_rng(0)
    assert st.bootstrap_interval(values, rng) == pytest.approx((0.3, 0.7), abs=0.02)
    assert st.mean_interval(values, rng, 0.8) == pytest.approx(binom(20, 0.5).ppf([0.1, 0.9]) / 20, abs=0.02)
    band = st.mean_band(np.stack([values, values + 5], axis=1), np.random.default_rng(1))
    np.testing.assert_allclose([band.low, band.high], [[0.3, 5.3], [0.7, 5.7]], atol=0.051)


def test_the_band_of_few_trials_is_student_s_at_each_moment() -> None:
    curves = np.random.default_rng(9).normal(size=(19, 3))
    band = st.mean_band(curves, np.random.default_rng(0))
    expected = [scores.t_interval(curves[:, moment]) for moment in range(3)]
    np.testing.assert_allclose(np.stack([band.low, band.high], axis=1), expected)
    more = st.mean_band(np.vstack([curves, curves[:1]]), np.random.default_rng(0))
    assert not np.isclose(more.low[0], scores.t_interval(np.append(curves[:, 0], curves[0, 0]))[0])


def test_wilson_s_interval_takes_its_level() -> None:
    theirs = binomtest(8, 10).proportion_ci(0.8, method="wilson")
    assert st.wilson_interval(8, 10, 0.8) == pytest.approx((theirs.low, theirs.high))
    assert st.wilson_interval(10, 10)[1] == pytest.approx(1)
