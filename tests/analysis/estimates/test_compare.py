"""Comparisons of values with the reference: only significant tests give claims."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.estimates import blocked, compare, describe
from analysis.estimates import statistics as st
from analysis.estimates.blocked import Shuffler
from analysis.estimates.compare import AxisTest, Compared
from analysis.estimates.describe import Table
from analysis.estimates.samples import ConvergenceTimes
from analysis.records.sweep import Sweep, read_sweep
from tests.analysis.synthetic import write_sweep, write_trial


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def compared(sweep: Sweep, place: int = 0) -> Compared:
    return compare.compared(sweep, sweep.axes[place], sweep.timelines[0])


def table(sweep: Sweep, place: int = 0) -> Table:
    return compare.comparison_table(sweep, compared(sweep, place), sweep.timelines[0], Shuffler(rng(), 2000))


def axis_test(sweep: Sweep, place: int = 0) -> AxisTest:
    found = [compared(sweep, each) for each in range(len(sweep.axes))]
    return compare.axis_tests(found, sweep.timelines[0], Shuffler(rng(), 2000))[place]


@pytest.mark.parametrize(("seeds", "testable"), [(5, False), (6, True)])
def test_nothing_is_tested_below_six_seeds(tmp_path: Path, seeds: int, testable: bool) -> None:
    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2]}, seeds, lambda cell, seed: 5000)
    sweep = read_sweep(tmp_path / "s")
    assert compared(sweep).is_testable == testable


def test_a_value_whose_trials_all_failed_is_described_not_tested(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s", {"lr": [0.1]}, 6, lambda cell, seed: 5000)
    write_trial(tmp_path / "s" / "x", {"lr": 0.2}, status="failed", end=100)
    sweep = read_sweep(tmp_path / "s")
    assert not compared(sweep).is_testable
    empty = describe.value_table(sweep, sweep.axes[0], sweep.timelines[0], rng())[1]
    assert empty["n"] == 0
    assert np.isnan(empty["rmst"])


def effect_sweep(root: Path, seeds: int = 12) -> Path:
    """gamma 0.9 as the reference, 0.95 practically equal, 0.99 three times slower."""
    factor = {0.9: (1.0, 1.0), 0.95: (1.05, 0.95), 0.99: (3.0, 3.0)}

    def time(cell: dict[str, Any], seed: int) -> float:
        return factor[cell["gamma"]][seed % 2] * (8000 + 800 * seed)

    return write_sweep(root, {"gamma": list(factor)}, seeds, time)


def test_effects_are_found_and_equals_are_called_equal(tmp_path: Path) -> None:
    sweep = read_sweep(effect_sweep(tmp_path / "s"))
    omnibus = axis_test(sweep).omnibus
    assert omnibus is not None
    assert omnibus.p < 0.01
    same, slower = table(sweep)
    assert (same["gamma"], slower["gamma"]) == (0.95, 0.99)
    assert same["p_closed"] > 0.05
    assert same["equivalent"]
    assert same["paired"]
    assert same["correlation"] > 0.9
    assert slower["p_closed"] < 0.01
    assert slower["advantage"] < 0
    assert same["rmst_ratio_level"] == slower["rmst_ratio_level"] == pytest.approx(0.95)
    assert slower["rmst_ratio"] == pytest.approx(3.0, abs=0.15)
    assert not slower["equivalent"]
    assert slower["difference"] > 0


def test_advantages_are_over_the_reference(tmp_path: Path) -> None:
    sweep = read_sweep(effect_sweep(tmp_path / "s"))
    trials = compared(sweep).trials
    assert [row["advantage"] for row in table(sweep)] == [
        blocked.advantage(trials, 0, code) for code in (1, 2)
    ]
    assert blocked.advantage(trials, 0, 2) not in (0, blocked.advantage(trials, 1, 2))


@pytest.mark.parametrize(("step", "direction"), [(-2000, "faster"), (2000, "slower")])
def test_a_slight_trend_has_the_direction_that_it_has(tmp_path: Path, step: int, direction: str) -> None:
    write_sweep(
        tmp_path / "s",
        {"lr": [0.1, 0.2, 0.3]},
        6,
        lambda cell, seed: 9000 + 2500 * seed + (step if seed == 2 and cell["lr"] == 0.3 else 0),
    )
    assert axis_test(read_sweep(tmp_path / "s")).trend_direction == direction


def test_of_two_values_there_is_no_best_beyond_their_difference(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2]}, 8, lambda cell, seed: 4000 * (seed + 1))
    assert axis_test(read_sweep(tmp_path / "s")).may_be_best == []


def test_one_common_seed_does_not_tell_which_may_be_best(tmp_path: Path) -> None:
    for n, lr in enumerate([0.1, 0.2, 0.3]):
        for seed in [0, *range(1 + 10 * n, 6 + 10 * n)]:
            write_trial(tmp_path / "s" / f"lr={lr},seed={seed}", {"lr": lr, "seed": seed}, 4000 * (seed + 1))
    assert axis_test(read_sweep(tmp_path / "s")).may_be_best == []


def test_a_lost_trial_drops_its_pair_and_not_the_pairing(tmp_path: Path) -> None:
    sweep_dir = effect_sweep(tmp_path / "s", seeds=7)
    write_trial(sweep_dir / "extra", {"gamma": 0.99, "seed": 77}, 9000)
    (sweep_dir / "gamma=0.95,seed=6" / "trial.json").unlink()
    same, slower = table(read_sweep(sweep_dir))
    assert same["paired"]
    assert slower["paired"]
    assert slower["rmst_ratio"] == pytest.approx(3.0, abs=0.2)


def test_a_value_with_too_few_seeds_is_left_out_alone(tmp_path: Path) -> None:
    sweep_dir = effect_sweep(tmp_path / "s", seeds=6)
    for seed in range(5):
        write_trial(sweep_dir / f"few{seed}", {"gamma": 0.999, "seed": seed}, 9000)
    sweep = read_sweep(sweep_dir)
    assert [sweep.axes[0].values[code] for code in compared(sweep).codes] == [0.9, 0.95, 0.99]


def test_without_shared_seeds_there_are_no_pairs(tmp_path: Path) -> None:
    for seed in range(6):
        write_trial(tmp_path / "s" / f"a{seed}", {"gamma": 0.9, "seed": seed}, 3000 + 500 * seed)
        write_trial(tmp_path / "s" / f"b{seed}", {"gamma": 0.99, "seed": 50 + seed}, 9000 + 500 * seed)
    (row,) = table(read_sweep(tmp_path / "s"))
    assert not row["paired"]
    assert "difference" not in row
    assert row["p_closed"] < 0.05


def test_trials_under_way_are_seen_as_far_as_they_went(tmp_path: Path) -> None:
    """Trials of the second value that ended are the quick ones; the others still run, unconverged."""
    for seed in range(12):
        write_trial(tmp_path / "s" / f"a{seed}", {"lr": 0.1, "seed": seed}, 10_000 + 500 * seed)
        quick = seed < 6
        time, status = (4_000.0 + 500 * seed, None) if quick else (math.inf, "running")
        write_trial(
            tmp_path / "s" / f"b{seed}",
            {"lr": 0.2, "seed": seed},
            time,
            status,
            end=None if quick else 30_000,
        )
    sweep = read_sweep(tmp_path / "s")
    assert len(sweep.counted) == 18
    assert len(sweep.observed) == 24
    (row,) = table(sweep)
    assert row["p_closed"] > 0.05


def test_values_that_gave_the_same_trials_are_one(tmp_path: Path) -> None:
    sweep_dir = effect_sweep(tmp_path / "s", seeds=6)
    for seed in range(6):
        copied = sweep_dir / f"gamma=0.9,seed={seed}"
        write_trial(sweep_dir / f"copy{seed}", {"gamma": 0.91, "seed": seed}, 8000 + 800 * seed)
        for directory in (copied, sweep_dir / f"copy{seed}"):
            (directory / "network.safetensors").write_bytes(bytes([seed]))
    sweep = read_sweep(sweep_dir)
    found = compared(sweep)
    assert [sweep.axes[0].values[code] for code in found.codes] == [0.9, 0.95, 0.99]
    assert len(found.rows) == len(found.trials.times) == 18


@pytest.mark.parametrize("key", ["convergence.threshold", "evaluation.episodes", "budget.env_steps"])
def test_what_defines_the_outcome_is_no_axis_of_tests(tmp_path: Path, key: str) -> None:
    write_sweep(tmp_path / "s", {key: [180, 190]}, 6, lambda cell, seed: 100)
    sweep = read_sweep(tmp_path / "s")
    assert sweep.axes[0].name == key
    assert not compared(sweep).is_testable


def test_several_axes_are_corrected_for_their_number(tmp_path: Path) -> None:
    def time(cell: dict[str, Any], seed: int) -> float:
        return float(9000 * cell["batch"] + 500 * seed + 2000 * (cell["lr"] == 0.2) * (seed % 3 - 1))

    write_sweep(tmp_path / "s", {"batch": [1, 2], "lr": [0.1, 0.2]}, 8, time)
    sweep = read_sweep(tmp_path / "s")
    by_axis = [axis_test(sweep, place) for place in range(2)]
    p = [test.omnibus.p for test in by_axis if test.omnibus]
    assert [test.p_holm for test in by_axis] == st.holm(p).tolist()


def test_ordered_values_have_a_trend_and_a_set_that_holds_the_best(tmp_path: Path) -> None:
    def time(cell: dict[str, Any], seed: int) -> float:
        return float(5000 + 30_000 * abs(cell["lr"] - 0.3) + 900 * ((seed * 7) % 5))

    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2, 0.3, 0.4, 0.9]}, 8, time)
    found = axis_test(read_sweep(tmp_path / "s"))
    assert found.trend is not None
    assert found.umbrella is not None
    assert found.umbrella.p < 0.01
    assert found.trend_direction == "slower"
    assert 2 in found.may_be_best
    assert 4 not in found.may_be_best


def test_another_axis_is_no_noise(tmp_path: Path) -> None:
    """batch makes trials 20 times slower; within each batch, lr orders them without exception."""

    def time(cell: dict[str, Any], seed: int) -> float:
        return float(cell["batch"] * (600 + 6000 * (cell["lr"] - 0.1) + 50 * seed))

    write_sweep(tmp_path / "s", {"batch": [1, 20], "lr": [0.1, 0.2]}, 6, time)
    sweep = read_sweep(tmp_path / "s")
    omnibus = axis_test(sweep, 1).omnibus
    assert omnibus is not None
    assert omnibus.p == 2 / 64
    assert len(set(compared(sweep, 1).trials.strata.tolist())) == 2


def test_values_that_hardly_ever_converge_are_not_called_equal(tmp_path: Path) -> None:
    """One trial of twelve converges in each group: what the budget cuts says nothing of speed."""

    def time(cell: dict[str, Any], seed: int) -> float:
        return 49_000 if seed == 0 else 1e9

    sweep = read_sweep(write_sweep(tmp_path / "s", {"gamma": [0.9, 0.99]}, 12, time))
    (row,) = table(sweep)
    assert row["rmst_ratio"] == pytest.approx(1, abs=0.05)
    assert not row["equivalent"]


def test_equivalence_needs_both_values_to_be_seen_converging(tmp_path: Path) -> None:
    """One value converges in all of 12 trials well before the budget, the other in 2 of them."""

    def time(cell: dict[str, Any], seed: int) -> float:
        late = 44_500.0 + 10 * seed
        return late if cell["gamma"] == 0.99 or seed < 2 else 1e9

    sweep = read_sweep(write_sweep(tmp_path / "s", {"gamma": [0.9, 0.99]}, 12, time))
    (row,) = table(sweep)
    assert st.is_equivalent((row["rmst_ratio_low"], row["rmst_ratio_high"]))
    assert not row["equivalent"]


def trials(times: list[float], events: list[float], seeds: list[int] | None = None) -> ConvergenceTimes:
    return ConvergenceTimes(seeds or list(range(len(times))), np.array(times, float), np.array(events, float))


def test_effects_are_those_of_restricted_times_in_pairs() -> None:
    """Cut at 8: 4, 6, 8 against 2, 3, 4. The differences 2, 3, 4 have standard error 1 / sqrt(3), t 4.303."""
    found = compare.effect(trials([4, 6, 20], [1, 1, 0]), trials([2, 3, 4], [1, 1, 1]), 8, paired=True)
    assert (found["rmst_ratio"], found["paired"], found["difference"]) == (2, True, 3)
    assert found["correlation"] == pytest.approx(1)
    assert found["difference_low"] == pytest.approx(3 - 4.303 / np.sqrt(3), abs=1e-3)


def test_effects_count_each_seed_once() -> None:
    """Two settings of seed 0 took 2 and 6, so that it took 4."""
    found = compare.effect(trials([2, 6, 8], [1, 1, 1], [0, 0, 1]), trials([3, 3], [1, 1]), 9, paired=False)
    assert found["rmst_ratio"] == 2
    assert "difference" not in found


@pytest.mark.parametrize(("converged", "equivalent"), [(10, True), (9, False)])
def test_equivalence_needs_half_of_the_trials_of_either_value(converged: int, equivalent: bool) -> None:
    times = [100.0 + place for place in range(20)]
    all_seen, some = trials(times, [1] * 20), trials(times, [1] * converged + [0] * (20 - converged))
    assert compare.effect(some, all_seen, 200, paired=False)["equivalent"] == equivalent
    assert compare.effect(all_seen, some, 200, paired=False)["equivalent"] == equivalent


def test_a_sweep_without_axes_or_without_a_threshold_is_not_tested(tmp_path: Path) -> None:
    alone = read_sweep(write_sweep(tmp_path / "a", {"lr": [0.1]}, 6, lambda cell, seed: 5000))
    assert not compared(alone).is_testable
    blind = {"convergence.threshold": None}
    unjudged = read_sweep(write_sweep(tmp_path / "b", {"lr": [0.1, 0.2]}, 6, lambda *_: math.inf, blind))
    assert not compared(unjudged).is_testable


def test_p_values_are_corrected_by_holm_s_method(tmp_path: Path) -> None:
    sweep = read_sweep(effect_sweep(tmp_path / "s"))
    rows = table(sweep)
    np.testing.assert_array_equal([row["p_holm"] for row in rows], st.holm([row["p"] for row in rows]))
    assert rows[1]["p_holm"] == 2 * rows[1]["p"]


def test_the_approximation_tells_the_values_apart_too(tmp_path: Path) -> None:
    sweep = read_sweep(effect_sweep(tmp_path / "s"))
    assert compare.asymptotic(sweep, sweep.axes[0], sweep.timelines[0]).p < 0.001


def test_a_value_without_trials_keeps_no_others_from_being_compared(tmp_path: Path) -> None:
    """It is the default, and the first value, and nothing can be compared with it."""
    sweep = write_sweep(
        tmp_path / "s", {"lr": [0.2, 0.3]}, 6, lambda cell, seed: 1e5 * cell["lr"] + 500 * seed
    )
    write_trial(sweep / "lost", {"lr": 0.1}, status="failed", end=0)
    plan = json.loads((sweep / "sweep.json").read_text())
    (sweep / "sweep.json").write_text(json.dumps({**plan, "defaults": {"lr": 0.1}}))
    read = read_sweep(sweep)
    (axis,) = read.axes
    assert compared(read).is_testable
    assert read.reference(axis) == (1, "the value nearest to the default, 0.1")
    (row,) = table(read)
    assert row["lr"] == 0.3
    assert row["p"] < 0.05
