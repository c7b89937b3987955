"""The importance of each parameter, compared with importances under shuffled scores.

Importances always sum to 1, even for pure noise. Therefore they are tested against importances of shuffled
scores, before normalisation to 1. The limit is the one that the largest importance of any parameter exceeds
in 1 shuffle of 20; with a separate limit for each parameter, the chances of a false finding would add up.
Scores may be shuffled only if the proposals did not depend on earlier scores. An adaptive search proposes
where scores were good by luck, so its scores are not exchangeable, and the test is not valid for it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial

from analysis.estimates.describe import Table
from analysis.study.data import Goal, StudyData
from dqn_exp.scores import Floats

FEWEST = 10
"""The fewest complete proposals for importances."""
SHUFFLES = 199
LEVEL = 0.05
"""Probability that any parameter exceeds the limit if none matters."""


class Tested(NamedTuple):
    """Importances from proposals that did not depend on earlier scores, tested against shuffled scores."""

    n: int
    """Number of these proposals."""
    observed: Floats
    """The importances, which sum to 1: [parameters]."""
    null_median: Floats
    """Median over shuffles, in the same unit as `observed`: [parameters]."""
    limit: float
    """The largest importance of any parameter exceeds this limit in at most one of twenty shuffles."""
    p: Floats
    """Share of shuffles in which any parameter is at least as important: [parameters]."""


class Importances(NamedTuple):
    names: list[str]
    """Names of the parameters, most important first."""
    n: int
    """Number of complete proposals."""
    observed: Floats
    """Importances from all complete proposals, which sum to 1: [parameters]. They are only descriptive."""
    n_independent: int
    """Number of different complete proposals that did not depend on earlier scores."""
    tested: Tested | None
    """The test on those proposals; None if they are too few."""

    def above(self) -> list[str]:
        """The parameters whose tested importance exceeds the limit."""
        if self.tested is None:
            return []
        return [n for n, own in zip(self.names, self.tested.observed, strict=True) if own > self.tested.limit]

    def table(self) -> Table:
        """One row per parameter."""
        tested = self.tested
        return [
            {
                "parameter": name,
                "importance": self.observed[index],
                "proposals": self.n,
                "tested": tested is not None,
                "tested_proposals": tested.n if tested else None,
                "tested_importance": tested.observed[index] if tested else None,
                "limit": tested.limit if tested else None,
                "p": tested.p[index] if tested else None,
            }
            for index, name in enumerate(self.names)
        ]


def importances(
    study: StudyData, goal: Goal, rng: np.random.Generator, shuffles: int = SHUFFLES
) -> Importances | None:
    """Importances by PED-ANOVA (Watanabe et al. 2023); None below `FEWEST` proposals or two parameters."""
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
    """The first trial for each set of parameters. Training is deterministic, so repeats have its score."""
    return list({str(sorted(trial.params.items())): trial for trial in reversed(trials)}.values())[::-1]


def _test(
    trials: Sequence[FrozenTrial], goal: Goal, names: Sequence[str], rng: np.random.Generator, shuffles: int
) -> Tested:
    evaluate, ranks = _evaluator(trials, names), _ranks(goal.losses(trials))
    observed = evaluate(ranks)
    null = np.array([evaluate(rng.permutation(ranks)) for _ in range(shuffles)])
    largest = np.sort(null.max(axis=1))
    p = (1 + (largest >= observed[:, None]).sum(axis=1)) / (1 + shuffles)
    limit = largest[-round(LEVEL * (1 + shuffles))]  # values above it have p <= LEVEL
    unit = observed.sum() or 1.0
    return Tested(len(trials), observed / unit, np.median(null, axis=0) / unit, float(limit / unit), p)


def _ranks(losses: Floats) -> Floats:
    """Ranks of losses: [n]. Infinite losses have a rank, and equal losses share one."""
    return np.unique(losses, return_inverse=True)[1].astype(np.float64)


def _evaluator(trials: Sequence[FrozenTrial], names: Sequence[str]) -> Callable[[Floats], Floats]:
    """A function from losses [trials] to importances [names], in PED-ANOVA's unit: they need not sum to 1."""
    study = optuna.create_study(direction="minimize")
    study.add_trials(
        [optuna.create_trial(params=t.params, distributions=t.distributions, value=0.0) for t in trials]
    )

    def evaluate(losses: Floats) -> Floats:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # low targets are sought; `normalize` may change
            importances_by_name = get_param_importances(
                study,
                evaluator=PedAnovaImportanceEvaluator(),
                target=lambda t: float(losses[t.number]),
                normalize=False,
            )
        return np.array([importances_by_name.get(name, 0.0) for name in names])

    return evaluate
