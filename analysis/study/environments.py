"""A study over several environments: the scores of its best proposal in each of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from optuna.trial import FrozenTrial

from analysis.study.data import Goal, StudyData
from dqn_exp.scores import Floats
from dqn_exp.study.storage import BY_ENVIRONMENT
from dqn_exp.text import format_number


class InEnvironment(NamedTuple):
    """The best proposal of a study in one environment, compared with the proposal that is best there."""

    name: str
    score: float
    rank: int
    """Rank of the study's best proposal in this environment; equal proposals have the best of their ranks."""
    best: int
    """Number of the proposal that is best in this environment."""
    best_score: float


def score_table(trials: list[FrozenTrial], goal: Goal, environments: list[str]) -> Floats:
    """The score of each proposal in each environment: [trials, environments]."""
    scores = [t.user_attrs[BY_ENVIRONMENT][goal.name] for t in trials]
    return np.array([[each[name] for name in environments] for each in scores], dtype=np.float64)


def best_of(study: StudyData, goal: Goal) -> FrozenTrial:
    return study.finite[int(np.argmin(goal.losses(study.finite)))]


def in_environments(study: StudyData, goal: Goal) -> list[InEnvironment]:
    """One entry per environment for the proposal that is best over all; [] if none has a finite score."""
    if not study.finite:
        return []
    table = score_table(study.finite, goal, study.environments)
    losses = table if goal.minimised else -table
    own = study.finite.index(best_of(study, goal))
    best = losses.argmin(axis=0)
    return [
        InEnvironment(
            name,
            float(table[own, index]),
            int((losses[:, index] < losses[own, index]).sum()) + 1,
            study.finite[best[index]].number,
            float(table[best[index], index]),
        )
        for index, name in enumerate(study.environments)
    ]


def worst_environments(study: StudyData) -> Iterator[str]:
    """The environment in which the best proposal of each goal does worst, in words."""
    for goal in study.goals:
        ranks = in_environments(study, goal)
        if len(ranks) < 2:
            continue
        worst = max(ranks, key=lambda each: each.score if goal.minimised else -each.score)
        there = f"{goal.name} is {format_number(worst.score)} there ({scale(goal)})"
        reached = f"proposal {worst.best} reached {format_number(worst.best_score)}"
        if worst.rank == 1:
            reached = "no other proposal did better there"
        number = best_of(study, goal).number
        yield f"Proposal {number}, the best, does worst in {worst.name}: {there}; {reached}."


def scale(goal: Goal) -> str:
    """The meaning of scores 0 and 1, in words."""
    ends = (
        ("no step", "the whole budget")
        if goal.name == "steps_to_convergence"
        else ("random play", "the threshold")
    )
    return f"0: {ends[0]}, 1: {ends[1]}"


def rows(study: StudyData, goal: Goal) -> list[dict[str, str]]:
    """One row per environment, as text."""
    return [
        {
            "environment": each.name,
            f"{goal.name} of proposal {best_of(study, goal).number}, the best": format_number(each.score),
            "its rank here": f"{each.rank} of {len(study.finite)}",
            "best here": f"{format_number(each.best_score)} (proposal {each.best})",
        }
        for each in in_environments(study, goal)
    ]
