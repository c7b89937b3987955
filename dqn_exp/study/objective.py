"""The scores of a study: one number per trial from its records, and one per proposal from its trials.

| objective | of one trial | best | diverged | over several environments: 0 is | 1 is |
|---|---|---|---|---|---|
| aulc | mean height of the evaluation curve over the budget | most | -inf | random play | the threshold |
| final_return | mean greedy return after training | most | -inf | random play | the threshold |
| steps_to_convergence | min(T, budget): censored at the budget | least | the budget | no step | the budget |

Returns have no lower bound, so only -inf is the worst score. With several environments, each has its own
scale, and the score of a proposal is the mean over environments.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dqn_exp.config import Config, ConfigError
from dqn_exp.scores import (
    DIVERGED,
    Interval,
    aggregate,
    area,
    normalised,
    normalised_area,
    return_bounds,
)
from dqn_exp.study.record import Evaluations, Record, horizon_of, outcome_of

Direction = Literal["minimize", "maximize"]
Ends = Callable[[Config], tuple[float, float]]


@dataclass(frozen=True)
class Measure:
    """A score that `objective=` can name."""

    name: str
    direction: Direction
    score: Callable[[Record], float]
    """The score of a trial that did not diverge."""
    worst: Callable[[Record], float]
    so_far: Callable[[Evaluations, float, Config], float]
    """The value that pruning compares at a moment, with the same direction as the score."""
    bounds: Callable[[Config], Interval | None]
    """The lower and upper bound of a trial's score; None if not known."""
    ends: Ends
    """The scores that become 0 and 1 on the common scale of environments."""
    ends_so_far: Ends
    """The same for the value that pruning compares."""


def _area(record: Record) -> float:
    evaluations = record.evaluations
    return area(evaluations.times, evaluations.returns, evaluations.horizon, record.diverged)


def _final_return(record: Record) -> float:
    final = record.result.final_return
    return math.nan if final is None else final


def _time(record: Record) -> float:
    evaluations, outcome = record.evaluations, outcome_of(record)
    time = outcome.env_steps if evaluations.clock == "env_step" else outcome.episodes
    return min(time, evaluations.horizon) if outcome.converged else evaluations.horizon


def _no_bound(_: Record) -> float:
    return DIVERGED


def _budget(record: Record) -> float:
    return record.evaluations.horizon


def _area_so_far(evaluations: Evaluations, moment: float, _: Config) -> float:
    before = evaluations.times <= moment
    return normalised_area(evaluations.times[before], evaluations.returns[before], moment)


def _latest_return(evaluations: Evaluations, moment: float, _: Config) -> float:
    return evaluations.at(moment)


def _missing_return(evaluations: Evaluations, moment: float, config: Config) -> float:
    """How far the return is below the threshold, which is known long before a trial converges."""
    assert config.convergence.threshold is not None
    return config.convergence.threshold - evaluations.at(moment)


def _bounds_of_returns(config: Config) -> Interval | None:
    known = config.returns
    return return_bounds(known.lowest_reward, known.highest_reward, config.env.max_episode_steps)


def _bounds_of_time(config: Config) -> Interval | None:
    horizon = horizon_of(config)
    return None if horizon is None else (0.0, float(horizon))


def _random_play_and_threshold(config: Config) -> tuple[float, float]:
    random_play, threshold = config.returns.random, config.convergence.threshold
    assert random_play is not None
    assert threshold is not None
    return random_play, threshold


def _zero_and_random_gap(config: Config) -> tuple[float, float]:
    """The ends of the scale of `_missing_return`: nothing, and what random play lacks."""
    random_play, threshold = _random_play_and_threshold(config)
    return 0.0, threshold - random_play


def _zero_and_budget(config: Config) -> tuple[float, float]:
    return 0.0, float(horizon_of(config) or math.nan)


STEPS = "steps_to_convergence"
MEASURES = {
    measure.name: measure
    for measure in (
        Measure(
            "aulc", "maximize", _area, _no_bound, _area_so_far,
            _bounds_of_returns, _random_play_and_threshold, _random_play_and_threshold,
        ),
        Measure(
            "final_return", "maximize", _final_return, _no_bound, _latest_return,
            _bounds_of_returns, _random_play_and_threshold, _random_play_and_threshold,
        ),
        Measure(
            STEPS, "minimize", _time, _budget, _missing_return,
            _bounds_of_time, _zero_and_budget, _zero_and_random_gap,
        ),
    )
}  # fmt: skip


class Aggregate(enum.Enum):
    """How the scores of the seeds are combined into the score of a proposal."""

    mean = "mean"
    iqm = "iqm"
    worst = "worst"


ByEnvironment = Mapping[str, Sequence[float]]
"""One number for each seed, by environment; the key is "" if a study has only one environment."""


@dataclass(frozen=True)
class Objective:
    """Computes the score of a proposal from its trials."""

    measure: Measure
    aggregate: Aggregate
    is_normalised: bool = False
    """Whether scores are on the common scale of environments."""

    @property
    def name(self) -> str:
        return self.measure.name

    @property
    def direction(self) -> Direction:
        return self.measure.direction

    @property
    def lowest_is_best(self) -> bool:
        return self.direction == "minimize"

    def of_trial(self, record: Record) -> float:
        """The score of a trial; the worst possible score if it diverged or its score is not finite."""
        score = math.nan if record.diverged else self.measure.score(record)
        score = score if math.isfinite(score) else self.measure.worst(record)
        return self._scaled(score, self.measure.ends, record.config)

    def of_environments(self, scores: ByEnvironment) -> dict[str, float]:
        """The score of each environment."""
        kind = self.aggregate.value
        return {name: aggregate(of_seeds, kind, self.direction) for name, of_seeds in scores.items()}

    def of_proposal(self, scores: ByEnvironment) -> float:
        """The score of the proposal: the mean over environments."""
        return float(np.mean(list(self.of_environments(scores).values())))

    def so_far(self, record: Record, moment: float) -> float:
        """The pruning value of a trial at `moment` of its own clock; infinitely bad if it has diverged."""
        worst = math.inf if self.lowest_is_best else -math.inf
        if record.has_diverged_by(moment):
            return worst
        reached = self.measure.so_far(record.evaluations, moment, record.config)
        value = self._scaled(reached, self.measure.ends_so_far, record.config)
        return value if math.isfinite(value) else worst

    def bounds(self, config: Config) -> Interval | None:
        """The lower and upper bound of a trial's score; None if not known."""
        bounds = self.measure.bounds(config)
        if bounds is None:
            return None
        low, high = (self._scaled(end, self.measure.ends, config) for end in bounds)
        return low, high

    def _scaled(self, value: float, ends: Ends, config: Config) -> float:
        return float(normalised(value, *ends(config))) if self.is_normalised else value


def check_measurable(config: Config, objectives: Sequence[Objective]) -> None:
    """Raise ConfigError if trials of `config` could not be scored."""
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
        if objective.name == STEPS and config.convergence.threshold is None:
            raise ConfigError(
                f"objective={objective.name} needs convergence.threshold, which is null, and "
                f"{config.env.id} defines none; allowed: a mean return"
            )


def check_comparable(config: Config) -> None:
    """Raise ConfigError if trials of `config` could not be compared while they run."""
    evaluation, budget = config.evaluation, config.budget
    if evaluation.every_steps is None and evaluation.every_episodes is None:
        raise ConfigError(
            "hydra/sweeper/pruner needs evaluations during training: evaluation.every_steps and "
            "evaluation.every_episodes are both null; allowed: one of them, or hydra/sweeper/pruner=none "
            "or wilcoxon"
        )
    if horizon_of(config) is None:
        raise ConfigError(
            f"hydra/sweeper/pruner compares trials at moments of a budget: budget.env_steps and "
            f"budget.episodes are both null (budget.learning_episodes={budget.learning_episodes}); "
            f"allowed: one of them, or hydra/sweeper/pruner=none or wilcoxon"
        )
