"""The clocks of a sweep, and the times that are counted on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.records.sweep import read_sweep
from tests.analysis.synthetic import BUDGET, write_sweep, write_trial


@pytest.mark.parametrize(
    ("budget", "unit", "horizon"),
    [
        ({}, "environment steps", BUDGET),
        ({"budget.env_steps": None, "budget.episodes": 500}, "episodes", 500),
        ({"budget.episodes": 500}, "environment steps", BUDGET),
    ],
)
def test_the_clock_is_the_one_with_a_common_budget(
    tmp_path: Path, budget: dict[str, Any], unit: str, horizon: float
) -> None:
    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2]}, 2, lambda cell, seed: 9e9 * cell["lr"], budget)
    timeline = read_sweep(tmp_path / "s").timelines[0]
    assert (timeline.unit, timeline.horizon, timeline.budget) == (unit, horizon, horizon)


def test_trials_that_end_early_on_one_budget_make_the_other_the_clock(tmp_path: Path) -> None:
    """Bad agents have short episodes: 500 episodes are over long before 50 000 steps."""
    for seed in range(3):
        write_trial(tmp_path / str(seed), {"seed": seed, "budget.episodes": 100}, end=10_000)
    timeline = read_sweep(tmp_path).timelines[0]
    assert (timeline.unit, timeline.horizon) == ("episodes", 100)


def test_a_diverged_trial_shortens_no_horizon_and_never_converges(tmp_path: Path) -> None:
    write_trial(tmp_path / "a", {"seed": 0}, status="diverged", end=900)
    write_trial(tmp_path / "b", {"seed": 1}, time=20_000)
    sweep = read_sweep(tmp_path)
    steps, episodes = sweep.timelines
    np.testing.assert_array_equal(steps.times(sweep.counted), [BUDGET, 20_000])
    assert episodes.horizon == 200
    np.testing.assert_array_equal(episodes.times(sweep.counted), [200, 200])
