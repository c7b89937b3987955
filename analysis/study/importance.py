"""How much each parameter mattered, and how much it would seem to if none did.

Importances always sum to 1, also over pure noise: they mean something only above the band that the
same trials give with their scores shuffled.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
import optuna

from analysis.study.data import Goal, StudyData
from dqn_exp.scores import Floats

FEWEST = 10
"""Complete proposals below which importances say nothing."""
SHUFFLES = 200
LEVEL = 0.95


class Importances(NamedTuple):
    names: list[str]
    observed: Floats
    null_median: Floats
    null_limit: Floats
    """What chance exceeds once in twenty times, for each parameter: [parameters]."""

    def above(self) -> list[str]:
        """The parameters that matter more than chance explains."""
        return [
            name
            for name, own, limit in zip(self.names, self.observed, self.null_limit, strict=True)
            if own > limit
        ]


def importances(study: StudyData, goal: Goal, rng: np.random.Generator) -> Importances | None:
    """By PED-ANOVA (Watanabe et al. 2023), most important first; None below `FEWEST` proposals."""
    trials = study.complete
    if len(trials) < FEWEST or len(study.parameters) < 2:
        return None
    ranks = _ranks(goal.losses(trials))
    names = [parameter.name for parameter in study.parameters]
    copy = optuna.create_study(direction="minimize")
    copy.add_trials(
        [
            optuna.create_trial(params=t.params, distributions=t.distributions, value=float(rank))
            for t, rank in zip(trials, ranks, strict=True)
        ]
    )
    observed = _evaluate(copy, ranks, names)
    null = np.array([_evaluate(copy, rng.permutation(ranks), names) for _ in range(SHUFFLES)])
    order = np.argsort(-observed)
    return Importances(
        [names[index] for index in order],
        observed[order],
        np.median(null, axis=0)[order],
        np.quantile(null, LEVEL, axis=0)[order],
    )


def _ranks(losses: Floats) -> Floats:
    """Ranks [n] in place of losses: infinite ones have one too; equal losses share theirs."""
    return np.unique(losses, return_inverse=True)[1].astype(np.float64)


def _evaluate(study: optuna.Study, losses: Floats, names: list[str]) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it reminds us that low targets are sought
        found = optuna.importance.get_param_importances(study, target=lambda t: float(losses[t.number]))
    return np.array([found.get(name, 0.0) for name in names])
