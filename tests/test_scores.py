"""Scores with answers that can be checked by hand, or that SciPy gives too."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dqn_exp import scores


def test_iqm_drops_the_extreme_quarters() -> None:
    assert scores.iqm([1000, 0, 10, 20]) == 15
    assert scores.iqm([1, 2, 6]) == 3
    assert scores.iqm([0, 1, 2, 3, 4, 5, 6, 70]) == 3.5
    assert np.isnan(scores.iqm([]))


@pytest.mark.parametrize("n", [5, 8, 11])
def test_iqm_is_scipy_s_trimmed_mean(n: int) -> None:
    values = np.random.default_rng(n).normal(size=n)
    assert scores.iqm(values) == pytest.approx(stats.trim_mean(values, 0.25))


@pytest.mark.parametrize(
    ("kind", "direction", "expected"),
    [
        ("mean", "maximize", 257.5), ("iqm", "maximize", 15), ("iqm", "minimize", 15),
        ("worst", "maximize", 0), ("worst", "minimize", 1000),
    ],
)  # fmt: skip
def test_seeds_are_aggregated_as_asked(kind: str, direction: str, expected: float) -> None:
    assert scores.aggregate([20, 1000, 0, 10], kind, direction) == expected


def test_divergence_is_not_paid_for_by_what_was_reached_before_it() -> None:
    """It would be: a curve goes on level after its last point."""
    assert scores.area([10, 20], [0, 100], 1000, diverged=False) == pytest.approx(99.0, abs=1)
    assert scores.area([10, 20], [0, 100], 1000, diverged=True) == -np.inf


def test_normalised_area_is_the_mean_height() -> None:
    assert scores.normalised_area([10, 20], [0, 100], horizon=30) == pytest.approx((5 * 100 + 100 * 10) / 30)


def test_a_curve_is_level_outside_its_points_and_cut_at_the_horizon() -> None:
    assert scores.normalised_area([10, 40], [100, 100], horizon=20) == 100
    assert scores.normalised_area([10, 20, 30], [6, 6, 1000], horizon=20) == 6
    assert scores.normalised_area([0, 10], [0, 8], horizon=5) == 2


def test_no_curve_or_no_time_has_no_area() -> None:
    assert np.isnan(scores.normalised_area([], [], 10))
    assert np.isnan([scores.normalised_area([1], [1], horizon) for horizon in (0, np.nan)]).all()


@pytest.mark.parametrize(
    ("known", "bounds"),
    [
        ((0.0, 1.0, 500), (0, 500)), ((-1.0, 0.0, 200), (-200, 0)), ((1.0, 2.0, 10), (0, 20)),
        ((None, 1.0, 500), None), ((0.0, 1.0, "unlimited"), None),
    ],
)  # fmt: skip
def test_returns_lie_between_the_least_and_the_most_that_an_episode_can_earn(
    known: tuple[object, object, object], bounds: object
) -> None:
    assert scores.return_bounds(*known) == bounds


def test_scores_lie_between_random_play_and_the_threshold() -> None:
    assert scores.normalised([-200, -110, -155], -200, -110) == pytest.approx([0, 1, 0.5])
    assert np.isnan(scores.normalised([1.0], 5, 5)).all()


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_t_interval_is_scipy_s(level: float) -> None:
    values = [3.0, 4.0, 8.0, 9.0]
    theirs = stats.ttest_1samp(values, 0).confidence_interval(level)
    assert scores.t_interval(values, level) == pytest.approx((theirs.low, theirs.high))


def test_t_intervals_are_95_percent_unless_told() -> None:
    """Mean 1, standard error 1, and the quantile 12.706 of one degree of freedom."""
    assert scores.t_interval([0, 2]) == pytest.approx((-11.706, 13.706), abs=1e-3)


def test_one_trial_has_no_interval() -> None:
    assert np.isnan(scores.t_interval([5.0])).all()


def test_pairing_reports_the_correlation_it_achieved() -> None:
    pair = scores.paired_difference([11, 22, 33, 41], [10, 20, 30, 40])
    assert pair.difference == pytest.approx(1.75)
    assert pair.correlation == pytest.approx(stats.pearsonr([11, 22, 33, 41], [10, 20, 30, 40]).statistic)
    assert pair.interval == scores.t_interval([1, 2, 3, 1])


@pytest.mark.parametrize(("values", "reference"), [([5], [3]), ([5, 5], [3, 4]), ([5, 6], [3, 3])])
def test_pairs_without_spread_have_no_correlation(values: list[float], reference: list[float]) -> None:
    with np.errstate(all="raise"):
        assert np.isnan(scores.paired_difference(values, reference).correlation)


def test_the_front_holds_what_nothing_dominates() -> None:
    losses = [[1, 4], [2, 2], [4, 1], [2, 3], [3, 3], [2, 2]]
    assert scores.pareto_front(losses).tolist() == [True, True, True, False, False, True]


def test_with_one_goal_the_front_is_every_best_row() -> None:
    assert scores.pareto_front([[3], [1], [1]]).tolist() == [False, True, True]
