"""How much each parameter mattered, and how much it would seem to if none did.

Importances always sum to 1, also over pure noise. So they mean something only above what shuffled scores
give: before they are made to sum to 1, above the largest of all parameters' in 19 shuffles of 20, for with
a limit of its own each parameter has a chance of its own. Scores can be shuffled where nobody looked at
them when the proposals were made. A search that follows its scores goes where they are good by luck, so
that its scores cannot change places: what shuffled ones give promises nothing there.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial

from analysis.estimates import Table
from analysis.study.data import Goal, StudyData
from dqn_exp.scores import Floats

FEWEST = 10
"""Complete proposals below which importances say nothing."""
SHUFFLES = 199
LEVEL = 0.05
"""How often some parameter may stand out where none matters."""


class Tested(NamedTuple):
    """The importances of the proposals that did not follow earlier scores, against shuffled scores."""

    n: int
    """Proposals."""
    observed: Floats
    """They sum to 1: [parameters]."""
    null_median: Floats
    """What shuffled scores give, in the same unit as `observed`: [parameters]."""
    limit: float
    """What they give to the most important parameter in at most one of twenty shuffles, in that unit."""
    p: Floats
    """How often shuffled scores give as much to some parameter: [parameters]."""


class Importances(NamedTuple):
    names: list[str]
    """Of the parameters, most important first."""
    n: int
    """Complete proposals."""
    observed: Floats
    """Of these, and they sum to 1: [parameters]. They describe, and prove nothing."""
    n_independent: int
    """Those among them that differ and did not follow earlier scores."""
    tested: Tested | None
    """None where these are too few."""

    def above(self) -> list[str]:
        """The parameters that matter more than chance explains."""
        if self.tested is None:
            return []
        return [n for n, own in zip(self.names, self.tested.observed, strict=True) if own > self.tested.limit]

    def table(self) -> Table:
        """One row per parameter."""
        tested = self.tested
        return [
            {
                "parameter": name,
                "importance": self.observed[place],
                "proposals": self.n,
                "tested": tested is not None,
                "tested_proposals": tested.n if tested else None,
                "tested_importance": tested.observed[place] if tested else None,
                "limit": tested.limit if tested else None,
                "p": tested.p[place] if tested else None,
            }
            for place, name in enumerate(self.names)
        ]


def importances(
    study: StudyData, goal: Goal, rng: np.random.Generator, shuffles: int = SHUFFLES
) -> Importances | None:
    """By PED-ANOVA (Watanabe et al. 2023); None below `FEWEST` proposals or two parameters."""
    if len(study.complete) < FEWEST or len(study.parameters) < 2:
        return None
    names = [parameter.name for parameter in study.parameters]
    observed = _evaluator(study.complete, names)(_ranks(goal.losses(study.complete)))
    observed /= observed.sum() or 1.0
    order = np.argsort(-observed)
    names = [names[index] for index in order]
    independent = _different(study.independent)
    enough = len(independent) >= FEWEST
    tested = _test(independent, goal, names, rng, shuffles) if enough else None
    return Importances(names, len(study.complete), observed[order], len(independent), tested)


def _different(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The first of those with the same parameters: training is exact, so that they share their score."""
    return list({str(sorted(trial.params.items())): trial for trial in reversed(trials)}.values())[::-1]


def _test(
    trials: Sequence[FrozenTrial], goal: Goal, names: Sequence[str], rng: np.random.Generator, shuffles: int
) -> Tested:
    evaluate, ranks = _evaluator(trials, names), _ranks(goal.losses(trials))
    observed = evaluate(ranks)
    null = np.array([evaluate(rng.permutation(ranks)) for _ in range(shuffles)])
    largest = np.sort(null.max(axis=1))
    p = (1 + (largest >= observed[:, None]).sum(axis=1)) / (1 + shuffles)
    limit = largest[-round(LEVEL * (1 + shuffles))]  # what is above it has p <= LEVEL
    unit = observed.sum() or 1.0
    return Tested(len(trials), observed / unit, np.median(null, axis=0) / unit, float(limit / unit), p)


def _ranks(losses: Floats) -> Floats:
    """Ranks [n] in place of losses: infinite ones have one too; equal losses share theirs."""
    return np.unique(losses, return_inverse=True)[1].astype(np.float64)


def _evaluator(trials: Sequence[FrozenTrial], names: Sequence[str]) -> Callable[[Floats], Floats]:
    """From losses [trials] to importances [names], in PED-ANOVA's own unit: they need not sum to 1."""
    study = optuna.create_study(direction="minimize")
    study.add_trials(
        [optuna.create_trial(params=t.params, distributions=t.distributions, value=0.0) for t in trials]
    )

    def evaluate(losses: Floats) -> Floats:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # low targets are sought; `normalize` may change
            found = get_param_importances(
                study,
                evaluator=PedAnovaImportanceEvaluator(),
                target=lambda t: float(losses[t.number]),
                normalize=False,
            )
        return np.array([found.get(name, 0.0) for name in names])

    return evaluate
