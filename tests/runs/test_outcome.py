"""The outcome of a trial, from short lists of evaluations."""

from __future__ import annotations

import numpy as np
import pytest

from dqn_exp.runs.outcome import Outcome, judge

ENDED = {"episodes": 60.0, "env_steps": 6000.0}
BUDGET = {"episodes": None, "env_steps": 9000.0}
RETURNS = {
    "episode": np.array([10.0, 20, 30, 40]),
    "env_step": np.array([1000.0, 2000, 3000, 4000]),
    "mean_return": np.array([200.0, 100, 195, 200]),
}


@pytest.mark.parametrize(
    ("threshold", "consecutive", "expected"),
    [
        (195, 2, Outcome(True, 30, 3000)),
        (195, 1, Outcome(True, 10, 1000)),
        (195, 3, Outcome(False, 60, 6000)),
        (196, 2, Outcome(False, 60, 6000)),
        (0, 1, Outcome(True, 10, 1000)),
        (None, 1, Outcome(False, 60, 6000)),
    ],
)
def test_time_is_that_of_the_first_of_consecutive_evaluations(
    threshold: float | None, consecutive: int, expected: Outcome
) -> None:
    assert judge("exhausted", RETURNS, threshold, consecutive, ENDED, BUDGET) == expected


@pytest.mark.parametrize("evaluations", [{}, {name: np.empty(0) for name in RETURNS}])
def test_without_evaluations_a_trial_is_censored_at_its_end(evaluations: dict[str, np.ndarray]) -> None:
    assert judge("converged", evaluations, 195, 1, ENDED, BUDGET) == Outcome(False, 60, 6000)


def test_a_diverged_trial_is_censored_at_each_limit_of_its_budget_and_elsewhere_at_its_end() -> None:
    assert judge("diverged", RETURNS, 195, 1, ENDED, BUDGET) == Outcome(False, 60, 9000)
    assert judge("diverged", RETURNS, 195, 1, ENDED, {"episodes": 70.0}) == Outcome(False, 70, 6000)
