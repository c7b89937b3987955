"""Censored times from records."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from analysis.records.convergence import most_evaluations, obstacle, outcome
from analysis.records.disk import read_curve, read_trial
from dqn_exp.runs import Outcome
from tests.analysis.synthetic import BUDGET, write_trial


def judge(tmp_path: Path, **options: Any) -> Outcome:
    trial = read_trial(write_trial(tmp_path / "trial", **options), tmp_path)
    return outcome(trial, read_curve(trial, "evaluations", []) or {})


def test_time_is_that_of_the_first_of_consecutive_evaluations(tmp_path: Path) -> None:
    """Solved from step 5100 on: evaluations at 5500, 6000 and 6500 confirm it."""
    assert judge(tmp_path, time=5100) == Outcome(True, 55, 5500)


def test_an_unconfirmed_crossing_is_censored_at_the_end(tmp_path: Path) -> None:
    assert judge(tmp_path, time=5100, end=6000, status="exhausted") == Outcome(False, 60, 6000)


def test_the_rule_is_the_one_of_the_configuration(tmp_path: Path) -> None:
    options = {"overrides": {"convergence.consecutive": 2}, "time": 5100, "end": 6000}
    assert judge(tmp_path, **options) == Outcome(True, 55, 5500)


def test_an_exhausted_trial_is_censored_at_its_end(tmp_path: Path) -> None:
    assert judge(tmp_path) == Outcome(False, BUDGET // 100, BUDGET)


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        ({}, Outcome(False, 9, BUDGET)),
        ({"budget.env_steps": None, "budget.episodes": 400}, Outcome(False, 400, 900)),
        ({"budget.env_steps": 30_000, "budget.episodes": 400}, Outcome(False, 400, 30_000)),
    ],
)
def test_a_diverged_trial_is_censored_at_the_full_budget(
    tmp_path: Path, budget: dict[str, Any], expected: Outcome
) -> None:
    assert judge(tmp_path, overrides=budget, status="diverged", end=900) == expected


def test_a_trial_that_diverged_after_its_crossing_never_converged(tmp_path: Path) -> None:
    assert judge(tmp_path, time=2000, status="diverged") == Outcome(False, 30, BUDGET)


def test_without_threshold_or_evaluations_nothing_can_be_judged() -> None:
    judged = {"convergence.threshold": 195.0, "evaluation.every_steps": 500}
    by_episodes = {**judged, "evaluation.every_steps": None, "evaluation.every_episodes": 3}
    assert obstacle(judged) is None
    assert obstacle(by_episodes) is None
    for broken in (
        {"convergence.threshold": None},
        {"convergence.threshold": math.inf},
        {"evaluation.every_steps": None},
    ):
        assert "or no threshold" in str(obstacle(judged | broken))


@pytest.mark.parametrize(
    ("config", "most"),
    [
        ({"budget.env_steps": 2999, "evaluation.every_steps": 1000}, 2),
        ({"budget.env_steps": 3000, "evaluation.every_steps": 1000}, 3),
        ({"budget.episodes": 40, "evaluation.every_steps": 1000}, math.inf),
        ({"budget.episodes": 40, "evaluation.every_episodes": 15}, 2),
        ({"budget.env_steps": 2999, "budget.episodes": 40, "evaluation.every_steps": 1000,
          "evaluation.every_episodes": 15}, 4),
        ({"budget.env_steps": 2999}, 0),
    ],
)  # fmt: skip
def test_the_budget_limits_how_many_evaluations_there_can_be(config: dict[str, Any], most: float) -> None:
    assert most_evaluations(config) == most


def test_fewer_evaluations_than_it_takes_in_a_row_judge_nothing() -> None:
    config = {
        "convergence.threshold": 195.0, "convergence.consecutive": 3,
        "budget.env_steps": 2999, "evaluation.every_steps": 1000,
    }  # fmt: skip
    assert obstacle(config) == "convergence needs 3 consecutive evaluations; the budget allows 2"
    assert obstacle({**config, "convergence.consecutive": 2}) is None
