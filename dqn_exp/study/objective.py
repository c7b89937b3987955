"""What a study scores: one number per trial from its records, and one per proposal from its trials.

| objective | of one trial | best | diverged |
|---|---|---|---|
| aulc | mean height of the evaluation curve over the budget | most | -inf |
| final_return | mean greedy return after training | most | -inf |
| steps_to_convergence | min(T, budget): censored at the budget | least | the budget |

Returns have no lower bound, so that -inf alone is the worst possible one.
"""

from __future__ import annotations

import enum
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dqn_exp.config import Config, ConfigError
from dqn_exp.convergence import convergence_index
from dqn_exp.runs import Result, TornMetrics, metrics_path, read_metrics, read_result
from dqn_exp.scores import iqm, normalised_area

Floats = NDArray[np.float64]

Direction = Literal["minimize", "maximize"]

MOMENTS = 50
"""Into how many intervals a budget is divided whose clock is not the one of the evaluations."""


@dataclass(frozen=True)
class Curve:
    """The evaluations of one trial: `clock` and `mean_return` [n], and the clock's budget."""

    clock: Floats
    mean_return: Floats
    horizon: float

    def at(self, moment: float) -> float:
        """The latest mean return up to `moment`; of a trial that ended before, its last one."""
        seen = self.mean_return[self.clock <= moment]
        return float(seen[-1]) if len(seen) else math.nan


@dataclass(frozen=True)
class Outcome:
    """What one trial left behind."""

    config: Config
    result: Result
    curve: Curve

    @property
    def diverged(self) -> bool:
        return self.result.status == "diverged"


@dataclass(frozen=True)
class Measure:
    """A name that `objective=` knows."""

    name: str
    direction: Direction
    score: Callable[[Outcome], float]
    """Of a trial that ran to its end without diverging."""
    worst: Callable[[Outcome], float]
    so_far: Callable[[Curve, float, Config], float]
    """What pruning compares at a moment of the clock, lower or higher being better as in the end."""


def _area(outcome: Outcome) -> float:
    curve = outcome.curve
    return normalised_area(curve.clock, curve.mean_return, curve.horizon)


def _final_return(outcome: Outcome) -> float:
    final = outcome.result.final_return
    return math.nan if final is None else final


def _time(outcome: Outcome) -> float:
    rule, curve = outcome.config.convergence, outcome.curve
    assert rule.threshold is not None
    index = convergence_index(curve.mean_return, rule.threshold, rule.consecutive)
    return curve.horizon if index is None else min(float(curve.clock[index]), curve.horizon)


def _no_bound(_: Outcome) -> float:
    return -math.inf


def _budget(outcome: Outcome) -> float:
    return outcome.curve.horizon


def _area_so_far(curve: Curve, moment: float, _: Config) -> float:
    seen = curve.clock <= moment
    return normalised_area(curve.clock[seen], curve.mean_return[seen], moment)


def _latest_return(curve: Curve, moment: float, _: Config) -> float:
    return curve.at(moment)


def _missing_return(curve: Curve, moment: float, config: Config) -> float:
    """How far the return is below the threshold: known long before any trial converges."""
    assert config.convergence.threshold is not None
    return config.convergence.threshold - curve.at(moment)


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("aulc", "maximize", _area, _no_bound, _area_so_far),
        Measure("final_return", "maximize", _final_return, _no_bound, _latest_return),
        Measure("steps_to_convergence", "minimize", _time, _budget, _missing_return),
    )
}


class Aggregate(enum.Enum):
    """How the scores of the seeds become the score of their proposal."""

    mean = "mean"
    iqm = "iqm"
    worst = "worst"

    def of(self, scores: Sequence[float], direction: str) -> float:
        if self is Aggregate.worst:
            return min(scores) if direction == "maximize" else max(scores)
        return iqm(scores) if self is Aggregate.iqm else float(np.mean(scores))


@dataclass(frozen=True)
class Objective:
    """One number of a proposal, from its seeds."""

    measure: Measure
    aggregate: Aggregate

    @property
    def name(self) -> str:
        return self.measure.name

    @property
    def direction(self) -> Direction:
        return self.measure.direction

    @property
    def lowest_is_best(self) -> bool:
        return self.direction == "minimize"

    def of_trial(self, outcome: Outcome) -> float:
        """The worst possible score where the trial diverged or left nothing that is a number."""
        score = math.nan if outcome.diverged else self.measure.score(outcome)
        return score if math.isfinite(score) else self.measure.worst(outcome)

    def of_proposal(self, scores: Sequence[float]) -> float:
        return self.aggregate.of(scores, self.direction)

    def so_far(self, outcomes: Sequence[Outcome], moment: float) -> float:
        """What the seeds have reached at `moment`; infinitely bad where one diverged before it."""
        values = [self._so_far(outcome, moment) for outcome in outcomes]
        return self.of_proposal(values)

    def _so_far(self, outcome: Outcome, moment: float) -> float:
        worst = math.inf if self.lowest_is_best else -math.inf
        if outcome.diverged and outcome.result.env_steps <= moment:
            return worst
        value = self.measure.so_far(outcome.curve, moment, outcome.config)
        return value if math.isfinite(value) else worst


def clock_of(config: Config) -> str:
    """Scores count environment steps, or episodes where these alone are limited."""
    return "env_step" if config.budget.env_steps is not None else "episode"


def horizon_of(config: Config) -> int | None:
    """The budget on that clock."""
    return config.budget.env_steps if clock_of(config) == "env_step" else config.budget.episodes


def interval_of(config: Config) -> int:
    """The common grid of moments, on that clock, at which trials are compared while they run."""
    evaluation, horizon = config.evaluation, horizon_of(config)
    every = evaluation.every_steps if clock_of(config) == "env_step" else evaluation.every_episodes
    return every or math.ceil((horizon or 1) / MOMENTS)


def read_outcome(directory: Path, config: Config) -> Outcome:
    """What the trial in `directory` has recorded, be it at its end or not."""
    result = read_result(directory) or Result()
    columns = _columns(directory)
    clock = columns.get(clock_of(config), _EMPTY)
    curve = Curve(clock, columns.get("mean_return", _EMPTY), float(horizon_of(config) or math.nan))
    return Outcome(config, result, curve)


_EMPTY: Floats = np.empty(0)


def _columns(directory: Path) -> Mapping[str, Floats]:
    path = metrics_path(directory, "evaluations")
    if not path.exists():
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TornMetrics)
        names, rows = read_metrics(path)
    values = np.array(rows, dtype=np.float64).reshape(len(rows), len(names))
    return dict(zip(names, values.T, strict=True))


def check_measurable(config: Config, objectives: Sequence[Objective]) -> None:
    """Raise ConfigError where trials of `config` could not be scored."""
    evaluated = config.evaluation.every_steps or config.evaluation.every_episodes
    for objective in objectives:
        if objective.name != "final_return" and horizon_of(config) is None:
            raise ConfigError(
                f"objective={objective.name} needs budget.env_steps or budget.episodes, which are both "
                f"null; allowed: one of them, or objective=final_return"
            )
        if objective.name != "final_return" and not evaluated:
            raise ConfigError(
                f"objective={objective.name} needs evaluations during training: evaluation.every_steps and "
                f"evaluation.every_episodes are both null; allowed: one of them, or objective=final_return"
            )
        if objective.name == "steps_to_convergence" and config.convergence.threshold is None:
            raise ConfigError(
                f"objective={objective.name} needs convergence.threshold, which is null and which "
                f"{config.env.id} does not define; allowed: a mean return"
            )
