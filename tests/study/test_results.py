"""The choice of the best proposals."""

from __future__ import annotations

import math
from collections.abc import Sequence

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState

from dqn_exp.study.objective import MEASURES, Aggregate, Objective
from dqn_exp.study.results import best_trials, optimization_results, ranking, score_text

HIGH = Objective(MEASURES["aulc"], Aggregate.mean)
LOW = Objective(MEASURES["steps_to_convergence"], Aggregate.mean)


def trials(*values: Sequence[float], xs: Sequence[float] | None = None) -> list[FrozenTrial]:
    """Finished trials with these values of the objectives, numbered from 0."""
    found = []
    for number, scores in enumerate(values):
        params = {"x": xs[number] if xs else float(number)}
        distributions = {"x": FloatDistribution(0, 100)}
        trial = optuna.create_trial(params=params, distributions=distributions, values=list(scores))
        trial.number = number
        found.append(trial)
    return found


def numbers(found: Sequence[FrozenTrial]) -> list[int]:
    return [trial.number for trial in found]


def test_the_best_of_one_objective_is_the_first_of_equals() -> None:
    assert numbers(best_trials(trials([1], [3], [3], [2]), [HIGH])) == [1]
    assert numbers(best_trials(trials([1], [3], [1], [2]), [LOW])) == [0]


def test_the_front_of_two_objectives_best_of_the_first_one_first() -> None:
    """Number 3 is dominated by 1; 4 equals 1, and both stay."""
    scores = trials([1, 10], [5, 20], [9, 30], [5, 25], [5, 20])
    assert numbers(best_trials(scores, [HIGH, LOW])) == [2, 1, 4, 0]


@pytest.mark.parametrize("objectives", [[HIGH], [HIGH, LOW]])
def test_only_what_ended_with_a_finite_score_counts(objectives: list[Objective]) -> None:
    assert best_trials([], objectives) == []
    width = len(objectives)
    infinite, finite = trials([-math.inf] * width, [1.0] * width)
    failed = optuna.create_trial(state=TrialState.FAIL)
    assert best_trials([infinite, failed], objectives) == []
    assert numbers(best_trials([infinite, failed, finite], objectives)) == [1]


def test_a_ranking_takes_front_after_front_and_no_parameters_twice() -> None:
    found = trials([1], [4], [4], [3], [2], xs=[0, 1, 1, 3, 4])
    assert numbers(list(ranking(found, [HIGH]))) == [1, 3, 4, 0]


def test_the_score_of_each_environment_is_told_beside() -> None:
    (trial,) = trials([0.5])
    trial.user_attrs["by_environment"] = {"aulc": {"cartpole": 0.75, "acrobot": 0.25}}
    assert score_text(trial, [HIGH]) == "aulc 0.5 (cartpole 0.75, acrobot 0.25)"
    found = optimization_results([trial])
    assert found["best_by_environment"] == {"aulc": {"cartpole": 0.75, "acrobot": 0.25}}


def test_scores_are_written_with_four_digits() -> None:
    assert score_text(trials([123.456, 1234.6])[0], [HIGH, LOW]) == (
        "aulc 123.5, steps_to_convergence 1\N{NARROW NO-BREAK SPACE}235"
    )
