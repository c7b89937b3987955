"""What a study reads of one trial: its result, its evaluations, and the clock on which they are scored."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dqn_exp.config import Config
from dqn_exp.runs import (
    Outcome,
    Result,
    TornMetrics,
    judge,
    learning_curve,
    metrics_path,
    read_columns,
    read_result,
)
from dqn_exp.scores import Floats

MOMENTS = 50
"""The number of intervals of a budget, if the evaluations do not follow the budget's clock."""


@dataclass(frozen=True)
class Evaluations:
    """The evaluations of a trial: the columns of their file, [n] each; `horizon` is the budget on `clock`."""

    columns: Mapping[str, Floats]
    clock: str
    """The column with the time: env_step or episode."""
    horizon: float

    @property
    def times(self) -> Floats:
        return learning_curve(self.columns, self.clock).times

    @property
    def returns(self) -> Floats:
        """The mean returns."""
        return learning_curve(self.columns, self.clock).returns

    def at(self, moment: float) -> float:
        """The latest mean return up to `moment`; if the trial ended before, its last one; NaN if none."""
        returns = self.returns[self.times <= moment]
        return float(returns[-1]) if len(returns) else math.nan


@dataclass(frozen=True)
class Record:
    """The record of one trial."""

    config: Config
    result: Result
    evaluations: Evaluations

    @property
    def diverged(self) -> bool:
        return self.result.status == "diverged"

    def has_diverged_by(self, moment: float) -> bool:
        """Whether the trial had diverged at `moment` on the clock of the evaluations.

        An evaluation at `moment` itself was made before the divergence.
        """
        by_steps = self.evaluations.clock == "env_step"
        end = self.result.env_steps if by_steps else self.result.episodes
        return self.diverged and end <= moment and moment not in self.evaluations.times


def read_record(directory: Path, config: Config) -> Record:
    """The record of the trial in `directory`, which may still be running."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TornMetrics)
        columns = read_columns(metrics_path(directory, "evaluations"))
    horizon = float(horizon_of(config) or math.nan)
    evaluations = Evaluations(columns, clock_of(config), horizon)
    return Record(config, read_result(directory) or Result(), evaluations)


def outcome_of(record: Record) -> Outcome:
    """Whether the trial has converged, and the time of convergence or censoring."""
    config, result = record.config, record.result
    return judge(
        result.status,
        record.evaluations.columns,
        config.convergence.threshold,
        config.convergence.consecutive,
        ended={"episodes": result.episodes, "env_steps": result.env_steps},
        budget={"episodes": config.budget.episodes, "env_steps": config.budget.env_steps},
    )


def clock_of(config: Config) -> str:
    """The clock of scores: environment steps if these are limited, otherwise episodes."""
    return "env_step" if config.budget.env_steps is not None else "episode"


def horizon_of(config: Config) -> int | None:
    """The budget on the clock of `clock_of`; None if it has no limit."""
    return config.budget.env_steps if clock_of(config) == "env_step" else config.budget.episodes


def interval_of(config: Config) -> int:
    """The interval, on the clock of `clock_of`, at which running trials are compared."""
    evaluation, horizon = config.evaluation, horizon_of(config)
    every = evaluation.every_steps if clock_of(config) == "env_step" else evaluation.every_episodes
    return every or math.ceil((horizon or 1) / MOMENTS)
