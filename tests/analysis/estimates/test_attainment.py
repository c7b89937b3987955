"""Attainment surfaces against results by hand and by plain loops, and error rates without an effect."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.estimates import compare
from analysis.estimates.attainment import Attainment, Difference, Grid, difference, grid_of, reached, surfaces
from analysis.records.sweep import Sweep, read_sweep
from dqn_exp.runs import LearningCurve
from tests.analysis.estimates.test_robustness import HORIZON, simulated
from tests.analysis.synthetic import write_sweep, write_trial

RNG = np.random.default_rng
NAN = math.nan


def curve(times: list[float], returns: list[float]) -> LearningCurve:
    return LearningCurve(np.array(times), np.array(returns))


def test_what_was_reached_stays_reached() -> None:
    """A trial that earns 10, 30, 20 at 1, 2, 3."""
    grid = Grid(np.array([0.5, 1, 2, 3]), np.array([10.0, 20, 30, 40]))
    (seen,) = reached([curve([1, 2, 3], [10, 30, 20])], [3], grid)
    assert seen.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 1, 0]]


def test_of_a_trial_that_ended_only_what_it_reached_is_known() -> None:
    """It stopped at 2 with 30; one that diverged then is known to reach no more; NaN reaches nothing."""
    grid = Grid(np.array([2.0, 3]), np.array([30.0, 40]))
    stopped, diverged = reached([curve([1, 2], [10, 30])] * 2, [2, math.inf], grid)
    np.testing.assert_array_equal(stopped, [[1, 0], [1, NAN]])
    assert diverged.tolist() == [[1, 0], [1, 0]]
    (nothing,) = reached([curve([1, 2], [NAN, NAN])], [math.inf], grid)
    assert not nothing.any()


def by_loops(curves: list[LearningCurve], grid: Grid) -> tuple[list[list[float]], float]:
    """Differences of trials 1, 3, ... from 0, 2, ..., and how seldom a permutation goes as far.

    As far: the largest difference, and of equal ones the number of places that have it.
    """

    def had(trial: LearningCurve, time: float, level: float) -> int:
        return any(r >= level for t, r in zip(trial.times, trial.returns, strict=True) if t <= time)

    pairs = list(zip(curves[::2], curves[1::2], strict=True))
    places = list(product(grid.times, grid.returns))
    table = [[had(y, t, r) - had(x, t, r) for t, r in places] for x, y in pairs]

    def extent(signs: tuple[int, ...]) -> tuple[int, int]:
        sums = [
            abs(sum(s * row[place] for s, row in zip(signs, table, strict=True)))
            for place in range(len(places))
        ]
        return max(sums), sums.count(max(sums))

    ways = list(product((1, -1), repeat=len(pairs)))
    as_far = sum(extent(signs) >= extent(ways[0]) for signs in ways)
    return [[sum(row[place] for row in table) / len(pairs) for place in range(len(places))]], as_far / len(
        ways
    )


@pytest.mark.parametrize("run", range(4))
def test_a_plain_implementation_gives_the_same(run: int) -> None:
    curves, _ = simulated(run, [1, 2.5], n_seeds=6)
    curves = [LearningCurve(one.times[::5], one.returns[::5]) for one in curves]
    grid = Grid(np.array([5000.0, 20_000, 45_000]), np.array([20.0, 80, 140, 190]))
    seen = reached(curves, np.full(len(curves), np.inf), grid)
    found = difference(seen[1::2] - seen[::2], RNG(0))
    (shares,), p = by_loops(curves, grid)
    np.testing.assert_allclose(found.shares.ravel(), shares)
    assert found.p == (pytest.approx(p), False)
    assert found.beyond.any() == (p <= 0.05)


def analysed(run: int, ratio: float, n_seeds: int) -> Difference:
    curves, _ = simulated(run, [1, ratio], n_seeds)
    grid = grid_of(curves, HORIZON)
    assert grid is not None
    seen = reached(curves, np.full(len(curves), np.inf), grid)
    return difference(seen[1::2] - seen[::2], RNG(0))


def test_equal_values_differ_in_one_of_twenty_sweeps_at_most_and_others_are_found() -> None:
    alike, apart = [analysed(run, 1, 10) for run in range(100)], [analysed(run, 2, 10) for run in range(40)]
    assert np.mean([found.p.p <= 0.05 for found in alike]) <= 0.05 + 3 * 0.022
    assert np.mean([found.p.p <= 0.05 for found in apart]) >= 0.7
    for found in (*alike, *apart):
        assert found.beyond.any() == (found.p.p <= 0.05)


def test_many_seeds_are_permuted_at_random_and_the_floor_is_told() -> None:
    pairs = np.ones((30, 2, 3))
    found = difference(pairs, RNG(0))
    assert found.p == (1 / 10_001, True)
    assert found.beyond.all()
    pairs[::2] = -1
    assert difference(pairs, RNG(0)).p.p > 0.5


def test_only_what_all_seeds_know_is_compared() -> None:
    """The second return is unknown in one seed, where the others differ most."""
    pairs = np.zeros((8, 1, 2))
    pairs[:, 0, 1] = 1
    assert difference(pairs, RNG(0)).p.p == 2 / 2**8
    pairs[0, 0, 1] = NAN
    found = difference(pairs, RNG(0))
    assert (found.p.p, found.beyond.any()) == (1, False)
    np.testing.assert_array_equal(found.shares, [[0, NAN]])
    assert difference(np.full((8, 1, 2), NAN), RNG(0)).p.p == 1


def examined(sweep: Sweep, axis_name: str = "lr") -> Attainment | None:
    timeline, axis = sweep.timelines[0], next(axis for axis in sweep.axes if axis.name == axis_name)
    return surfaces(sweep, axis, timeline, compare.compared(sweep, axis, timeline), RNG(0))


def slower(cell: dict[str, Any], seed: int) -> float:
    """lr 0.2 is three times as slow as 0.1."""
    return (6000 + 500 * seed) * (3 if cell["lr"] == 0.2 else 1)


def lr_sweep(root: Path, seeds: int = 8) -> Path:
    """Trials end when they have converged, with returns of 200."""
    return write_sweep(root, {"lr": [0.1, 0.2]}, seeds, slower)


def test_a_sweep_has_a_surface_of_each_value_and_a_difference(tmp_path: Path) -> None:
    found = examined(read_sweep(lr_sweep(tmp_path / "s")))
    assert found is not None
    assert found.counts == [8, 8]
    assert (found.reference, list(found.differences)) == (0, [1])
    by_7500 = np.searchsorted(found.grid.times, 7500)
    assert [share[by_7500, -1] for share in found.shares] == [0.5, 0]  # four of lr 0.1, at 6000 to 7500
    only = found.differences[1]
    assert only.shares[by_7500, -1] == -0.5
    assert (only.p.p, only.n_seeds) == (2 / 2**8, 8)
    assert only.beyond[np.searchsorted(found.grid.times, 12_000), -1]
    assert not only.beyond[:, 0].any()  # everybody reaches the lowest return


def test_above_what_stops_a_trial_nothing_is_known_after_it_stopped(tmp_path: Path) -> None:
    """One trial of lr 0.2 earns 300; whether those that stopped with 200 would have, nobody knows."""
    sweep = read_sweep(lr_sweep(tmp_path / "s"))
    better = sweep.evaluations["lr=0.2,seed=0"]
    assert better is not None
    better["mean_return"] += 100
    found = examined(sweep)
    assert found is not None
    first_stop, above = 7000, found.grid.returns > 200
    later = found.grid.times > first_stop
    quick = found.shares[0]
    assert np.isnan(quick[later][:, above]).all()
    assert (quick[~later][:, above] == 0).all()
    assert not np.isnan(quick[:, ~above]).any()
    assert np.isnan(found.differences[1].shares[later][:, above]).all()


def test_a_diverged_trial_reaches_no_more(tmp_path: Path) -> None:
    root = lr_sweep(tmp_path / "s")
    write_trial(root / "x", {"lr": 0.2, "seed": 8}, status="diverged", end=4000)
    write_trial(root / "y", {"lr": 0.2, "seed": 9}, status="diverged", end=100)
    found = examined(read_sweep(root))
    assert found is not None
    assert found.shares[1][-1, -1] == 8 / 10
    assert not np.isnan(found.shares[1]).any()


def test_a_trial_under_way_limits_what_is_compared_and_not_what_is_shown(tmp_path: Path) -> None:
    root = lr_sweep(tmp_path / "s")
    write_trial(root / "late1", {"lr": 0.1, "seed": 8}, 9000)
    write_trial(root / "late2", {"lr": 0.2, "seed": 8}, status="running", end=4000)
    found = examined(read_sweep(root))
    assert found is not None
    assert found.counts == [9, 8]
    assert not any(np.isnan(share).any() for share in found.shares)
    after, shares = found.grid.times > 4000, found.differences[1].shares
    assert found.differences[1].n_seeds == 9
    assert np.isnan(shares[after][:, -1]).all()
    assert not np.isnan(shares[~after]).any()


def test_there_is_no_surface_without_evaluations_or_returns_that_differ(tmp_path: Path) -> None:
    root = lr_sweep(tmp_path / "s", seeds=1)
    assert examined(read_sweep(root)) is not None
    (root / "lr=0.1,seed=0" / "evaluations.csv").unlink()
    write_trial(
        root / "x", {"lr": 0.1, "seed": 1, "evaluation.every_steps": None}, status="exhausted", end=400
    )
    assert examined(read_sweep(root)) is None
    level = LearningCurve(np.arange(3.0), np.full(3, -500.0))
    assert grid_of([level, level], 10) is None
    assert grid_of([], 10) is None


def test_many_values_are_left_to_other_figures(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s", {"lr": [0.01 * (n + 1) for n in range(13)]}, 1, lambda cell, seed: 3000)
    assert examined(read_sweep(tmp_path / "s")) is None


def test_pooled_trials_of_a_seed_count_once(tmp_path: Path) -> None:
    """Two batches that repeat each trial say no more than one."""
    write_sweep(tmp_path / "two", {"lr": [0.1, 0.2], "batch": [32, 64]}, 8, slower)
    one = examined(read_sweep(lr_sweep(tmp_path / "one")))
    two = examined(read_sweep(tmp_path / "two"))
    assert one is not None
    assert two is not None
    assert two.counts == [16, 16]
    assert two.differences[1].p == one.differences[1].p
    np.testing.assert_allclose(two.differences[1].shares, one.differences[1].shares)


def test_of_several_values_each_has_its_part_of_the_error(tmp_path: Path) -> None:
    """Of three alike but for one: p is twice that of the pair alone."""

    def time(cell: dict[str, Any], seed: int) -> float:
        return (6000 + 500 * seed) * {0.1: 1, 0.2: 3, 0.3: 1 + seed % 2}[cell["lr"]]

    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2, 0.3]}, 7, time)
    found = examined(read_sweep(tmp_path / "s"))
    assert found is not None
    assert found.differences[1].p.p == 2 * 2 / 2**7
    assert 0.05 < found.differences[2].p.p <= 1
    assert found.differences[1].beyond.any()
    assert not found.differences[2].beyond.any()


def test_equal_steps_of_time_where_evaluations_are_many() -> None:
    times = np.arange(1.0, 200)
    grid = grid_of([LearningCurve(times, times), LearningCurve(times + 0.5, times)], 100)
    assert grid is not None
    assert len(grid.times) == 60
    assert grid.times[-1] == 100
    assert grid.returns[-1] == 100
