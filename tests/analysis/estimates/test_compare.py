"""Claims that only tests support."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.estimates import compare, describe
from analysis.estimates import statistics as st
from analysis.estimates.samples import Sample
from analysis.records.sweep import read_sweep
from tests.analysis.synthetic import write_sweep, write_trial


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(("seeds", "testable"), [(5, False), (6, True)])
def test_nothing_is_tested_below_six_seeds(tmp_path: Path, seeds: int, testable: bool) -> None:
    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2]}, seeds, lambda cell, seed: 5000)
    sweep = read_sweep(tmp_path / "s")
    assert compare.is_testable(sweep, sweep.axes[0]) == testable


def test_a_value_whose_trials_all_failed_is_described_not_tested(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s", {"lr": [0.1]}, 6, lambda cell, seed: 5000)
    write_trial(tmp_path / "s" / "x", {"lr": 0.2}, status="failed", end=100)
    sweep = read_sweep(tmp_path / "s")
    assert not compare.is_testable(sweep, sweep.axes[0])
    empty = describe.value_table(sweep, sweep.axes[0], sweep.timelines[0], rng())[1]
    assert empty["n"] == 0
    assert np.isnan(empty["rmst"])


def effect_sweep(root: Path, seeds: int = 12) -> Path:
    """gamma 0.9 as the reference, 0.95 practically equal, 0.99 three times slower."""
    factor = {0.9: 1.0, 0.95: 1.02, 0.99: 3.0}

    def time(cell: dict[str, Any], seed: int) -> float:
        return factor[cell["gamma"]] * (8000 + 800 * seed)

    return write_sweep(root, {"gamma": list(factor)}, seeds, time)


def test_effects_are_found_and_equals_are_called_equal(tmp_path: Path) -> None:
    sweep = read_sweep(effect_sweep(tmp_path / "s"))
    axis, timeline = sweep.axes[0], sweep.timelines[0]
    assert compare.omnibus(sweep, axis, timeline, rng()) < 0.01
    same, slower = compare.comparison_table(sweep, axis, timeline, rng())
    assert (same["gamma"], slower["gamma"]) == (0.95, 0.99)
    assert same["p_holm"] > 0.05
    assert same["equivalent"]
    assert same["paired"]
    assert same["correlation"] > 0.9
    assert slower["p_holm"] < 0.01
    assert slower["rmst_ratio"] == pytest.approx(3.0, abs=0.15)
    assert not slower["equivalent"]
    assert slower["difference"] > 0


def test_pairs_need_the_same_seeds(tmp_path: Path) -> None:
    sweep_dir = effect_sweep(tmp_path / "s", seeds=6)
    write_trial(sweep_dir / "extra", {"gamma": 0.99, "seed": 77}, 9000)
    sweep = read_sweep(sweep_dir)
    same, slower = compare.comparison_table(sweep, sweep.axes[0], sweep.timelines[0], rng())
    assert same["paired"]
    assert not slower["paired"]
    assert "difference" not in slower


def test_another_axis_is_no_noise(tmp_path: Path) -> None:
    """batch makes trials 20 times slower; within each batch, lr orders them without exception."""

    def time(cell: dict[str, Any], seed: int) -> float:
        return float(cell["batch"] * (600 + 6000 * (cell["lr"] - 0.1) + 50 * seed))

    write_sweep(tmp_path / "s", {"batch": [1, 20], "lr": [0.1, 0.2]}, 6, time)
    sweep = read_sweep(tmp_path / "s")
    lr = sweep.axes[1]
    assert compare.omnibus(sweep, lr, sweep.timelines[0], rng()) < 0.01
    assert len(set(sweep.strata(lr).tolist())) == 2


def test_values_that_hardly_ever_converge_are_not_called_equal(tmp_path: Path) -> None:
    """One trial of twelve converges in each group: what the budget cuts says nothing of speed."""

    def time(cell: dict[str, Any], seed: int) -> float:
        return 49_000 if seed == 0 else 1e9

    sweep = read_sweep(write_sweep(tmp_path / "s", {"gamma": [0.9, 0.99]}, 12, time))
    (row,) = compare.comparison_table(sweep, sweep.axes[0], sweep.timelines[0], rng())
    assert row["rmst_ratio"] == pytest.approx(1, abs=0.05)
    assert not row["equivalent"]


def test_equivalence_needs_both_values_to_be_seen_converging(tmp_path: Path) -> None:
    """One value converges in all of 12 trials well before the budget, the other in 2 of them."""

    def time(cell: dict[str, Any], seed: int) -> float:
        late = 44_500.0 + 10 * seed
        return late if cell["gamma"] == 0.99 or seed < 2 else 1e9

    sweep = read_sweep(write_sweep(tmp_path / "s", {"gamma": [0.9, 0.99]}, 12, time))
    (row,) = compare.comparison_table(sweep, sweep.axes[0], sweep.timelines[0], rng())
    assert st.is_equivalent((row["rmst_ratio_low"], row["rmst_ratio_high"]))
    assert not row["equivalent"]


def trials(times: list[float], events: list[float], seeds: list[int] | None = None) -> Sample:
    return Sample(seeds or list(range(len(times))), np.array(times, float), np.array(events, float))


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
    assert not compare.is_testable(alone, alone.axes[0])
    blind = {"convergence.threshold": None}
    unjudged = read_sweep(write_sweep(tmp_path / "b", {"lr": [0.1, 0.2]}, 6, lambda *_: math.inf, blind))
    assert not compare.is_testable(unjudged, unjudged.axes[0])


def test_p_values_are_corrected_by_holm_s_method(tmp_path: Path) -> None:
    sweep = read_sweep(effect_sweep(tmp_path / "s"))
    rows = compare.comparison_table(sweep, sweep.axes[0], sweep.timelines[0], rng())
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
    assert compare.is_testable(read, axis)
    assert read.reference(axis) == (1, "the value nearest to the default, 0.1")
    (row,) = compare.comparison_table(read, axis, read.timelines[0], np.random.default_rng(0))
    assert row["lr"] == 0.3
    assert row["p"] < 0.05
