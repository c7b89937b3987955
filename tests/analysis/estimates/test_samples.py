"""The choice of trials from which a number is computed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from analysis.estimates import samples
from analysis.records import read_sweep
from tests.analysis.synthetic import BUDGET, write_sweep, write_trial


def test_a_sample_holds_seeds_times_and_what_happened(tmp_path: Path) -> None:
    write_trial(tmp_path / "a", {"seed": 3}, time=10_000)
    write_trial(tmp_path / "b", {"seed": 4}, status="diverged", end=900)
    sweep = read_sweep(tmp_path)
    found = samples.sample(sweep.counted, sweep.timelines[0])
    assert found.seeds == [3, 4]
    np.testing.assert_array_equal(found.times, [10_000, BUDGET])
    np.testing.assert_array_equal(found.events, [1, 0])


def test_pairs_agree_in_seed_and_in_every_other_axis(tmp_path: Path) -> None:
    cells = {"batch": [1, 2], "lr": [0.1, 0.2]}
    sweep = read_sweep(write_sweep(tmp_path / "s", cells, 2, lambda cell, seed: 5000))
    batch = sweep.axes[0]
    one, two = samples.group(sweep.counted, batch)
    pairs = samples.in_pairs(sweep, batch, one, two[::-1])
    assert pairs is not None
    keys = [[(row["seed"], row["lr"], row["batch"]) for row in rows] for rows in pairs]
    assert keys == [[(s, lr, b) for s in (0, 1) for lr in (0.1, 0.2)] for b in (1, 2)]
    fewer = samples.in_pairs(sweep, batch, one, two[1:])
    assert fewer is not None
    assert [len(rows) for rows in fewer] == [3, 3]
    two_pairs = samples.in_pairs(sweep, batch, one[:2], two)
    assert two_pairs is not None
    assert [len(rows) for rows in two_pairs] == [2, 2]
    assert samples.in_pairs(sweep, batch, one[:1], two) is None
    assert samples.in_pairs(sweep, batch, [*one, one[0]], two) is None


def test_configurations_without_evidence_are_listed_too(tmp_path: Path) -> None:
    write_trial(tmp_path / "a", {"lr": 0.1}, time=10_000)
    write_trial(tmp_path / "b", {"lr": 0.2}, status="failed", end=100)
    found = samples.configurations(read_sweep(tmp_path))
    assert [(values, len(rows)) for values, rows in found] == [({"lr": 0.1}, 1), ({"lr": 0.2}, 1)]


def test_in_a_grid_with_gaps_only_common_cells_are_pooled(tmp_path: Path) -> None:
    cells = {"batch": [1, 2], "lr": [0.1, 0.2]}
    root = write_sweep(tmp_path / "s", cells, 2, lambda cell, seed: 5000)
    whole = read_sweep(root)
    assert samples.in_common(whole, whole.axes[0]) == list(whole.rows)
    for seed in range(2):
        shutil.rmtree(root / f"batch=2,lr=0.2,seed={seed}")
    sweep = read_sweep(root)
    for axis in sweep.axes:
        (other,) = [each for each in sweep.axes if each is not axis]
        common = samples.in_common(sweep, axis)
        assert len(common) == 4
        assert {row[other.name] for row in common} == {other.values[0]}
    write_sweep(tmp_path / "apart", {"batch": [1], "lr": [0.1]}, 2, lambda cell, seed: 5000)
    write_trial(tmp_path / "apart" / "x", {"batch": 2, "lr": 0.2}, 5000)
    apart = read_sweep(tmp_path / "apart")
    assert [samples.in_common(apart, axis) for axis in apart.axes if len(apart.axes) > 1] == (
        [[], []] if len(apart.axes) > 1 else []
    )
