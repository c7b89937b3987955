"""Numbers of values and of configurations, with known answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.estimates import describe
from analysis.estimates.samples import ConvergenceTimes
from analysis.estimates.statistics import bounded_interval, wilson_interval
from analysis.records.sweep import read_sweep
from dqn_exp.scores import DIVERGED, t_interval
from tests.analysis.synthetic import BUDGET, write_sweep, write_trial


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_values_have_their_known_answers(buffers: Path) -> None:
    sweep = read_sweep(buffers)
    none, fast, slow = describe.value_table(sweep, sweep.axes[0], sweep.timelines[0], rng())
    assert [row["buffer"] for row in (none, fast, slow)] == [500, 17_000, 100_000]
    assert (none["n"], none["converged"], none["median"], none["rmst"]) == (3, 0, np.inf, BUDGET)
    assert BUDGET / 3 < none["rmst_low"] < none["rmst_high"] == pytest.approx(BUDGET, rel=0.01)
    assert (fast["converged"], fast["median"], fast["rmst"]) == (3, 7500, 7500)
    assert (slow["median"], slow["rmst"]) == (30_000, 30_000)
    assert fast["rmst_low"] < 7500 < fast["rmst_high"]
    assert fast["area"] > slow["area"] > none["area"]
    assert [row["taken"] for row in (none, fast, slow)] == [0, 0, 0]


def test_an_interval_stays_within_what_is_possible(buffers: Path) -> None:
    sweep = read_sweep(buffers)
    for row in describe.value_table(sweep, sweep.axes[0], sweep.timelines[0], rng())[1:]:
        assert 0 <= row["rmst_low"] <= row["rmst_high"] <= BUDGET


def test_a_diverged_trial_stays_in_the_denominator(tmp_path: Path) -> None:
    write_trial(tmp_path / "a", {"seed": 0}, status="diverged", end=900)
    write_trial(tmp_path / "b", {"seed": 1}, time=10_000)
    write_trial(tmp_path / "c", {"seed": 2}, time=16_000)
    sweep = read_sweep(tmp_path)
    (row,) = describe.value_table(sweep, sweep.axes[0], sweep.timelines[0], rng())
    assert (row["n"], row["converged"], row["diverged"]) == (3, 2, 1)
    assert row["rmst"] == pytest.approx((BUDGET + 26_000) / 3)


def test_configurations_have_one_row_each(tmp_path: Path) -> None:
    cells = {"batch": [1, 2], "lr": [0.1, 0.2]}
    write_sweep(tmp_path / "s", cells, 3, lambda cell, seed: 1000 * cell["batch"] * (seed + 1))
    sweep = read_sweep(tmp_path / "s")
    rows = describe.configuration_table(sweep, sweep.timelines[0], rng())
    assert [(row["batch"], row["lr"]) for row in rows] == [(1, 0.1), (1, 0.2), (2, 0.1), (2, 0.2)]
    assert [(row["n"], row["converged"], row["median"]) for row in rows] == [(3, 3, 2000)] * 2 + [
        (3, 3, 4000)
    ] * 2
    assert all(row["rmst_low"] < row["rmst"] < row["rmst_high"] for row in rows)


def test_pooled_trials_of_a_seed_count_once(tmp_path: Path) -> None:
    """4 values of lr that do not matter: 12 trials, but only 3 seeds' worth of luck."""
    cells = {"batch": [1], "lr": [0.1, 0.2, 0.3, 0.4]}
    alone = write_sweep(tmp_path / "a", {"batch": [1, 2]}, 3, lambda cell, seed: 2000 * (seed + 1))
    pooled = write_sweep(tmp_path / "b", {**cells, "batch": [1, 2]}, 3, lambda cell, seed: 2000 * (seed + 1))
    first, second = (read_sweep(path) for path in (alone, pooled))
    one = describe.value_table(first, first.axes[0], first.timelines[0], rng())[0]
    many = describe.value_table(second, second.axes[0], second.timelines[0], rng())[0]
    assert (one["n"], many["n"], many["seeds"]) == (3, 12, 3)
    for name in ("rmst", "rmst_low", "rmst_high"):
        assert many[name] == pytest.approx(one[name])
    assert np.isnan([many["median_low"], many["converged_share_low"]]).all()


def test_seeds_are_averaged_and_missing_numbers_left_out() -> None:
    of = [3, 3, 4, 4, 5]
    np.testing.assert_array_equal(describe.per_seed(of, np.array([1, 3, 5, np.nan, np.nan])), [2, 5])
    assert describe.per_seed([], np.empty(0)).shape == (0,)


def test_speed_is_told_by_fraction_median_and_restricted_mean() -> None:
    """Of times 2, 4, 9 and a trial given up at 9: three in four converged, half of them by 4."""
    trials = ConvergenceTimes([0, 1, 2, 3], np.array([2.0, 4, 9, 9]), np.array([1.0, 1, 1, 0]))
    found = describe.speed(trials, 8, rng())
    assert (found["converged_share"], found["median"], found["rmst"]) == (0.75, 4, 5.5)
    assert (found["converged_share_low"], found["converged_share_high"]) == wilson_interval(3, 4)
    interval = bounded_interval([2, 4, 8, 8], (0, 8), rng())
    assert (found["rmst_low"], found["rmst_high"]) == interval
    assert (found["median_low"], found["median_high"]) == (0, np.inf)


def test_equal_trials_have_equal_intervals(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2]}, 4, lambda cell, seed: 5000 + 500 * seed)
    sweep = read_sweep(tmp_path / "s")
    one, other = describe.value_table(sweep, sweep.axes[0], sweep.timelines[0], rng())
    assert {**one, "lr": None} == {**other, "lr": None}


def test_no_trials_have_no_speed() -> None:
    found = describe.speed(ConvergenceTimes([], np.empty(0), np.empty(0)), 8, rng())
    assert np.isnan(list(found.values())).all()
    assert len(found) == 9


def test_means_are_over_seeds_and_iqms_over_trials() -> None:
    """Seed 0 has 0 and 10, seed 1 has 20 and 1000, seed 2 has nothing."""
    values = np.array([0.0, 10, 20, 1000, np.nan])
    found = describe.mean_and_iqm("x", [0, 0, 1, 1, 2], values, rng())
    assert (found["x"], found["x_iqm"], found["x_n"]) == (257.5, 15, 4)
    assert (found["x_low"], found["x_high"]) == t_interval([5, 510])


def test_nothing_known_has_no_mean() -> None:
    found = describe.mean_and_iqm("x", [0], np.array([np.nan]), rng())
    assert np.isnan([found["x"], found["x_low"], found["x_iqm"]]).all()
    assert found["x_n"] == 0


def test_trials_that_repeat_seeds_are_no_independent_sample() -> None:
    assert describe.repeats_seeds([1, 2, 1])
    assert not describe.repeats_seeds([1, 2])
    assert np.isnan(describe.share_interval([1, 1], np.ones(2))).all()


def test_a_diverged_trial_has_the_area_that_a_study_scores(tmp_path: Path) -> None:
    """Minus infinity, of which the mean of the seeds is one too; the IQM outlives one of four."""
    for seed in range(4):
        write_trial(tmp_path / str(seed), {"seed": seed}, 5000)
    write_trial(tmp_path / "4", {"seed": 4}, 5000, status="diverged", end=9000)
    sweep = read_sweep(tmp_path)
    (row,) = describe.configuration_table(sweep, sweep.timelines[0], rng())
    assert row["area"] == DIVERGED
    assert np.isnan([row["area_low"], row["area_high"]]).all()
    assert 150 < row["area_iqm"] < 200
    assert row["area_n"] == 5
    assert 150 < row["final_return"] < 200


def test_returns_of_known_bounds_have_intervals_within_them(tmp_path: Path) -> None:
    known = {"returns.lowest_reward": 0, "returns.highest_reward": 1}
    write_sweep(tmp_path / "known", {"lr": [0.1]}, 4, lambda cell, seed: 5000 + 500 * seed, known)
    write_sweep(tmp_path / "unknown", {"lr": [0.1]}, 4, lambda cell, seed: 5000 + 500 * seed)
    rows = []
    for name in ("known", "unknown"):
        sweep = read_sweep(tmp_path / name)
        rows += describe.value_table(sweep, sweep.axes[0], sweep.timelines[0], rng())
    within, student = rows
    assert within["final_return"] == student["final_return"]
    assert within["area_low"] < within["area"] < within["area_high"] <= 200
    curve = [row["area"] for row in rows]
    assert curve[0] == curve[1]
    assert within["area_low"] != student["area_low"]
