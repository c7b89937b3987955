"""The results of every choice of the analyst, and of all choices together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.estimates.blocked import AT_ONCE, Shuffler
from analysis.estimates.compare import compared
from analysis.estimates.robustness import Choice, Robustness, choices, examine, goodness, over_all
from analysis.records.sweep import read_sweep
from dqn_exp.runs import LearningCurve
from tests.analysis.synthetic import write_sweep

HORIZON = 50_000.0
TIMES = np.arange(2000.0, HORIZON + 1, 2000)


def simulated(run: int, ratios: list[float], n_seeds: int = 10) -> tuple[list[LearningCurve], int]:
    """Curves that rise towards 200 around a lognormal time, with noise, for each seed and value."""
    generator = np.random.default_rng([7, run])
    curves = []
    for _ in range(n_seeds):
        luck = generator.normal()
        for ratio in ratios:
            middle = 12_000 * ratio * np.exp(0.33 * luck + 0.33 * generator.normal())
            rising = 200 / (1 + np.exp(-(TIMES - middle) / (middle / 6)))
            noise = generator.normal(0, 8, len(TIMES))
            curves.append(LearningCurve(TIMES, np.minimum(200, rising + noise)))
    return curves, n_seeds


def analysed(run: int, ratios: list[float]) -> Robustness:
    curves, n_seeds = simulated(run, ratios)
    found, declared = choices(180, 0, 3, HORIZON, np.inf)
    strata = np.zeros(len(curves))
    tables = [goodness(curves, strata, choice).reshape(n_seeds, len(ratios)) for choice in found]
    return over_all(tables, found, declared, Shuffler(np.random.default_rng(0), 300))


def test_all_choices_are_made_and_the_declared_one_is_known() -> None:
    found, declared = choices(180, 0, 3, HORIZON, np.inf)
    assert len(found) == len(set(found)) == 2 * 3 * 3 * 4 + 2 * 3
    assert found[declared] == Choice("log-rank", HORIZON, 180, 3)
    assert {choice.threshold for choice in found} == {180, 162, 144, None}
    assert {choice.budget for choice in found} == {25_000, 37_500, 50_000}


def test_a_trial_that_stops_shows_no_longer_runs() -> None:
    found, _ = choices(180, 0, 2, HORIZON, longest_run=2)
    assert {choice.consecutive for choice in found} == {1, 2, None}


def test_what_is_measured() -> None:
    """A curve that reaches 100 at 2, loses it at 3 and holds it from 4 on."""
    curve = LearningCurve(np.array([1.0, 2, 3, 4, 5]), np.array([0.0, 100, 50, 100, 100]))
    late = LearningCurve(curve.times, np.zeros(5))

    def measured(choice: Choice) -> list[float]:
        return goodness([curve, late], np.zeros(2), choice).tolist()

    assert measured(Choice("RMST", 5, 100, 1)) == [-2, -5]
    assert measured(Choice("RMST", 5, 100, 2)) == [-4, -5]
    assert measured(Choice("RMST", 3, 100, 2)) == [-3, -3]
    assert measured(Choice("log-rank", 5, 100, 1)) == [0.5, -0.5]
    assert measured(Choice("final", 5)) == [pytest.approx(250 / 3), 0]
    assert measured(Choice("final", 3)) == [50, 0]
    assert measured(Choice("area", 4))[0] == pytest.approx((0 + 50 + 75 + 75) / 4)


def test_p_counts_the_permutations_that_spread_as_much() -> None:
    """In whole numbers, where a tie is a tie."""
    table, permutations = np.array([[k, 0] for k in range(1, 7)]), 500
    parts = Shuffler(np.random.default_rng(0), permutations).permuted(table[None])
    first, second = np.concatenate(list(parts), axis=1)[0].T.astype(int)
    as_far = np.abs(first - second) >= table[:, 0].sum()
    assert as_far.sum() > 0
    p = (1 + as_far.sum()) / (1 + permutations)
    found = over_all(table[None], [Choice("final", 5)], 0, Shuffler(np.random.default_rng(0), permutations))
    assert found.p.tolist() == [p]
    assert (found.p_largest, found.p_typical, found.best) == (p, p, [0])


def test_permutations_are_summed_a_part_at_a_time() -> None:
    """All at once they took 3 GB for 256 values."""
    tables = np.random.default_rng(0).normal(size=(3, 2, 40))
    parts = [part.shape for part in Shuffler(np.random.default_rng(0), 2 * AT_ONCE + 50).permuted(tables)]
    assert parts == [(3, AT_ONCE, 40), (3, AT_ONCE, 40), (3, 50, 40)]


def test_a_sweep_is_examined_by_its_own_rule(tmp_path: Path) -> None:
    rule = {"convergence.consecutive": 2, "convergence.threshold": 190}
    write_sweep(
        tmp_path / "s", {"lr": [0.1, 0.2]}, 8, lambda cell, seed: 50_000 * cell["lr"] + 500 * seed, rule
    )
    sweep = read_sweep(tmp_path / "s")
    timeline = sweep.timelines[0]
    of = compared(sweep, sweep.axes[0], timeline)
    found = examine(sweep, of, timeline, Shuffler(np.random.default_rng(0), 300))
    assert found is not None
    assert found.choices[found.declared] == Choice("log-rank", timeline.horizon, 190, 2)
    assert found.p[found.declared] < 0.05
    assert found.best[found.declared] == 0


def test_an_effect_holds_for_nearly_every_choice() -> None:
    found = analysed(0, [1, 2.5])
    assert np.mean(found.p < 0.05) > 0.9
    assert set(found.best) == {0}
    assert found.p_largest < 0.01
    assert found.p_typical < 0.01


def test_without_an_effect_some_choice_is_often_significant_and_all_together_seldom() -> None:
    runs = [analysed(run, [1, 1, 1]) for run in range(120)]
    some = np.mean([(found.p < 0.05).any() for found in runs])
    assert some > 0.12
    for p in ("p_largest", "p_typical"):
        assert np.mean([getattr(found, p) < 0.05 for found in runs]) <= 0.05 + 3 * 0.02
