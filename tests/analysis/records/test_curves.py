"""Curves of many trials on one grid."""

from __future__ import annotations

import numpy as np

from analysis.records.curves import binned, centres, edges, filled, moments, sampled


def test_bins_reach_from_zero_to_the_longest_trial() -> None:
    borders = edges([np.array([5.0, 10.0]), np.array([40.0]), np.array([])])
    np.testing.assert_array_equal(borders, np.arange(0, 45, 5))
    np.testing.assert_array_equal(centres(borders), np.arange(2.5, 40, 5))


def test_bins_hold_several_points_and_are_not_too_many() -> None:
    clock = np.arange(1.0, 101)
    assert len(edges([clock], per_bin=5)) == 21
    assert len(edges([clock])) == 61
    assert len(edges([])) == 9


def test_values_are_averaged_in_their_bins_and_gaps_stay_open() -> None:
    clock, values = np.array([1.0, 2.0, 35.0]), np.array([10.0, 20.0, 5.0])
    np.testing.assert_array_equal(binned(clock, values, np.array([0.0, 10, 30, 40])), [15, np.nan, 5])


def test_values_that_are_no_numbers_are_left_out() -> None:
    clock, values = np.array([1.0, 2.0, 3.0]), np.array([10.0, np.nan, np.inf])
    np.testing.assert_array_equal(binned(clock, values, np.array([0.0, 4.0])), [10])


def test_gaps_are_interpolated_and_the_last_value_is_carried_on() -> None:
    clock, values = np.array([5.0, 25.0]), np.array([0.0, 10.0])
    np.testing.assert_array_equal(filled(clock, values, np.arange(0.0, 60, 10)), [0, 5, 10, 10, 10])


def test_nothing_is_made_up_before_the_first_value() -> None:
    curve = filled(np.array([15.0]), np.array([3.0]), np.arange(0.0, 40, 10))
    np.testing.assert_array_equal(curve, [np.nan, 3, 3])


def test_a_curve_without_numbers_stays_open() -> None:
    assert np.isnan(filled(np.array([1.0]), np.array([np.nan]), np.array([0.0, 2.0]))).all()


def test_moments_are_those_at_which_any_trial_was_seen() -> None:
    np.testing.assert_array_equal(moments([np.array([1.0, 3.0]), np.array([1.0, 2.0])]), [1, 2, 3])
    assert moments([np.arange(61.0)]) is None
    assert moments([]) is None


def test_one_moment_is_enough_and_sixty_are_not_too_many() -> None:
    one = moments([np.array([3.0]), np.array([3.0])])
    assert one is not None
    assert one.tolist() == [3.0]
    assert moments([]) is None
    assert moments([np.arange(60.0)]) is not None
    assert moments([np.arange(61.0)]) is None


def test_a_sampled_curve_begins_late_and_carries_its_last_value_on() -> None:
    clock, values = np.array([2.0, 4.0, 6.0]), np.array([10.0, 20.0, np.nan])
    np.testing.assert_array_equal(sampled(clock, values, np.array([1.0, 2, 3, 9])), [np.nan, 10, 15, 20])
    assert np.isnan(sampled(clock, np.full(3, np.nan), clock)).all()
