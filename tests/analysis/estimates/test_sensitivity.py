"""Sensitivity to tuning, against answers by hand, a plain implementation and simulated scores."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from analysis.estimates.sensitivity import _estimate, sensitivity

RNG = np.random.default_rng
GRID = list(product((0, 1), repeat=2))
"""Two hyperparameters with two values each."""


def scored(cells: list[list[float]], seeds: int = 6) -> np.ndarray:
    """The same scores with every seed: [environments, settings, seeds]."""
    return np.repeat(np.array(cells, float)[:, :, None], seeds, axis=2)


def test_where_each_environment_has_its_own_best_setting_the_others_are_lost() -> None:
    found = sensitivity(scored(np.eye(4).tolist()), np.arange(4)[:, None], RNG(0))
    assert found.per_environment.value == 1
    assert found.one_for_all.value == 0.25
    assert found.loss.value == 0.75
    assert np.isnan(found.loss.interval).all()  # of seeds that do not differ


def test_how_many_hyperparameters_have_to_be_tuned() -> None:
    only_first = [[1 if first == wanted else 0.1 for first, _ in GRID] for wanted in (0, 1)]
    both = [[1 if setting == wanted else 0.1 for setting in GRID] for wanted in ((0, 0), (1, 1))]
    for cells, expected in ((only_first, 1), (both, 2), ([[1] * 4] * 2, 0)):
        assert sensitivity(scored(cells), GRID, RNG(0)).effective_dimensionality == expected
    assert sensitivity(scored([[-1] * 4] * 2), GRID, RNG(0)).effective_dimensionality is None


def plain(table: np.ndarray, choosing: int, scoring: int) -> list[float]:
    """Choose on one seed and score on another, with 0, 1, 2 of two hyperparameters tuned."""
    n_environments = len(table)
    best = max(range(len(GRID)), key=lambda s: sum(table[e][s][choosing] for e in range(n_environments)))
    found = []
    for size in range(3):
        promises = {}
        for tuned in combinations(range(2), size):
            allowed = [
                s
                for s, setting in enumerate(GRID)
                if all(setting[h] == GRID[best][h] for h in range(2) if h not in tuned)
            ]
            own = [max(allowed, key=lambda s: table[e][s][choosing]) for e in range(n_environments)]
            promised = sum(table[e][s][choosing] for e, s in enumerate(own))
            promises[promised] = sum(table[e][s][scoring] for e, s in enumerate(own)) / n_environments
        found.append(promises[max(promises)])
    return found


def test_two_seeds_choose_for_one_another() -> None:
    """They have one way to be parted, and it is told by loops."""
    for run in range(20):
        table = RNG([1, run]).normal(size=(3, 4, 2))
        found = sensitivity(table, GRID, RNG(0))
        expected = np.mean([plain(table, 0, 1), plain(table, 1, 0)], axis=0)
        np.testing.assert_allclose([one.value for one in found.tuned], expected)
        assert found.loss.value == pytest.approx(expected[2] - expected[0])


def test_no_loss_is_found_where_there_is_none() -> None:
    """Chosen and scored on the same seeds, noise alone loses 0.03 with 20 seeds; across halves nothing."""
    noise = [RNG([4, run]).normal(0.5, 0.1, size=(4, 6, 20)) for run in range(60)]
    losses = [sensitivity(table, np.arange(6)[:, None], RNG(run)).loss for run, table in enumerate(noise)]
    across = np.array([loss.value for loss in losses])
    assert np.mean(across) == pytest.approx(0, abs=3 * across.std() / np.sqrt(60))
    on_the_same = [t.mean(axis=2).max(axis=1).mean() - t.mean(axis=(0, 2)).max() for t in noise]
    assert np.mean(on_the_same) > 0.01
    assert np.mean([loss.interval[0] <= 0 <= loss.interval[1] for loss in losses]) >= 0.9


def test_the_interval_holds_a_loss_that_there_is() -> None:
    """0.2 with settings that are best in one environment each; seeds have luck in common."""
    truth, seeds, held = np.array([[0.9, 0.5], [0.2, 0.8]]), 8, 0
    for run in range(100):
        generator = RNG([5, run])
        luck = generator.normal(0, 0.15, size=seeds)
        table = truth[:, :, None] + luck + generator.normal(0, 0.15, size=(2, 2, seeds))
        low, high = sensitivity(table, [[0], [1]], generator).loss.interval
        held += low <= 0.2 <= high
    assert held >= 88


def test_the_interval_is_student_s_with_the_error_of_a_mean() -> None:
    """Of as many resampled values as one likes, seeds' own spread is n / (n - 1) times theirs."""
    seeds = RNG(0).normal(size=6)
    resampled = RNG(1).choice(seeds, size=(20_000, 6)).mean(axis=1)
    low, high = _estimate(0.0, resampled, 6).interval
    half = stats.t.ppf(0.975, 5) * stats.sem(seeds)
    assert (low, high) == pytest.approx((-half, half), rel=0.02)
