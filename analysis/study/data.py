"""Reads a study from its storage: the counted proposals, their scores and the confirmation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from analysis.errors import AnalysisError
from dqn_exp.config import ConfigError
from dqn_exp.scores import Floats, pareto_front
from dqn_exp.study.storage import DRAWN, INDEPENDENT, is_url, open_storage, proposals


def load_study(storage: str, name: str) -> optuna.Study:
    """The study `name` in the journal or database at `storage`; raises AnalysisError if there is none."""
    if not is_url(storage) and not Path(storage).is_file():
        raise AnalysisError(f"{storage} is neither a journal file nor the URL of a database")
    try:
        return optuna.load_study(study_name=name, storage=open_storage(storage))
    except ConfigError as error:
        raise AnalysisError(str(error)) from None
    except KeyError:
        known = ", ".join(optuna.get_all_study_names(open_storage(storage))) or "none"
        raise AnalysisError(f"{storage} holds no study {name!r}; it holds: {known}") from None


@dataclass(frozen=True)
class Goal:
    """One objective of the study."""

    name: str
    minimised: bool
    index: int
    is_normalised: bool = False
    """Is it on the normalised scale that several environments share?"""

    @property
    def label(self) -> str:
        """Label for the axis of a figure."""
        return f"{self.name} (normalised)" if self.is_normalised else self.name

    def scores(self, trials: Sequence[FrozenTrial]) -> Floats:
        return np.array([trial.values[self.index] for trial in trials], dtype=np.float64)

    def losses(self, trials: Sequence[FrozenTrial]) -> Floats:
        """The scores as losses: [n]; smaller is better."""
        return self.scores(trials) if self.minimised else -self.scores(trials)


@dataclass(frozen=True)
class Parameter:
    """A searched parameter, and the positions of its values on an axis."""

    name: str
    distribution: BaseDistribution

    @property
    def choices(self) -> tuple[Any, ...] | None:
        """The values of a categorical parameter; numbers are sorted. None for an interval or range."""
        if not isinstance(self.distribution, CategoricalDistribution):
            return None
        values = self.distribution.choices
        numeric = all(isinstance(value, int | float) for value in values)
        return tuple(sorted(values)) if numeric else values  # type: ignore[type-var]

    @property
    def logarithmic(self) -> bool:
        return bool(getattr(self.distribution, "log", False))

    def positions(self, trials: list[FrozenTrial]) -> Floats:
        """Numbers as they are, choices by their index: [n]. NaN if a trial does not have the parameter."""
        values = [trial.params.get(self.name, math.nan) for trial in trials]
        if self.choices is None:
            return np.array(values, dtype=np.float64)
        index = {choice: code for code, choice in enumerate(self.choices)}
        return np.array([index.get(value, math.nan) for value in values])

    def unit_positions(self, trials: list[FrozenTrial]) -> Floats:
        """Positions scaled to the searched range, between 0 and 1: [n]."""
        low, high = self.limits
        at, ends = self.positions(trials), np.array([low, high], dtype=np.float64)
        if self.logarithmic:
            at, ends = np.log(at), np.log(ends)
        width = float(ends[1] - ends[0])
        return np.asarray((at - ends[0]) / width if width else np.full_like(at, 0.5))

    @property
    def limits(self) -> tuple[float, float]:
        if self.choices is not None:
            return 0.0, float(len(self.choices) - 1)
        return float(self.distribution.low), float(self.distribution.high)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class StudyData:
    name: str
    goals: list[Goal]
    trials: list[FrozenTrial]
    """The counted proposals, in the order in which they were made."""
    confirmation: Mapping[str, Any] | None
    environments: list[str]
    """The environments on which every proposal was trained; empty if there is only one."""

    @cached_property
    def complete(self) -> list[FrozenTrial]:
        return [trial for trial in self.trials if trial.state is TrialState.COMPLETE]

    @cached_property
    def independent(self) -> list[FrozenTrial]:
        """Complete proposals that did not depend on earlier scores."""
        return [trial for trial in self.complete if trial.user_attrs.get(DRAWN) in INDEPENDENT]

    @cached_property
    def finite(self) -> list[FrozenTrial]:
        """Complete proposals whose scores are all finite, so that every seed has a score."""
        return [trial for trial in self.complete if np.isfinite(trial.values).all()]

    @cached_property
    def pruned(self) -> list[FrozenTrial]:
        return [trial for trial in self.trials if trial.state is TrialState.PRUNED]

    @cached_property
    def parameters(self) -> list[Parameter]:
        """The searched parameters that can vary."""
        distributions: dict[str, BaseDistribution] = {}
        for trial in self.trials:
            distributions |= trial.distributions
        return [Parameter(name, d) for name, d in distributions.items() if not d.single()]

    def front(self) -> list[FrozenTrial]:
        """The best proposal, or the Pareto front."""
        losses = np.array([goal.losses(self.finite) for goal in self.goals]).T
        best = [self.finite[index] for index in np.flatnonzero(pareto_front(losses))]
        return best[:1] if len(self.goals) == 1 else best


def read_study(study: optuna.Study) -> StudyData:
    directions = study.directions
    names = study.user_attrs.get("objectives") or [f"objective {i}" for i in range(len(directions))]
    environments = study.user_attrs.get("environments", [])
    goals = [
        Goal(str(name), direction is StudyDirection.MINIMIZE, index, bool(environments))
        for index, (name, direction) in enumerate(zip(names, directions, strict=True))
    ]
    trials = proposals(study.get_trials(deepcopy=False))
    return StudyData(study.study_name, goals, trials, study.user_attrs.get("confirmation"), environments)
