"""When a trial converged, or until when we know that it had not: censored times from records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from analysis.records.trials import Curve, Trial, Value
from dqn_exp.convergence import convergence_index

NEVER = "diverged"
"""The status that counts as never converging, whatever was evaluated before."""


class Outcome(NamedTuple):
    """Time of convergence where `converged`, of censoring elsewhere, on both clocks."""

    converged: bool
    episodes: float
    steps: float


def is_judged(config: Mapping[str, Value]) -> bool:
    """Can convergence be seen at all: is there a finite threshold, and are there evaluations?"""
    evaluated = config.get("evaluation.every_steps") or config.get("evaluation.every_episodes")
    threshold = config.get("convergence.threshold")
    return threshold is not None and np.isfinite(float(threshold)) and bool(evaluated)


def outcome(trial: Trial, evaluations: Curve) -> Outcome:
    """The outcome of `trial`, by the rule that the trial itself used to stop."""
    if trial.status == NEVER:
        return Outcome(False, _budget(trial, "episodes"), _budget(trial, "env_steps"))
    index = _index(trial.config, evaluations)
    if index is None:
        return Outcome(False, end(trial, "episodes"), end(trial, "env_steps"))
    episode, env_step = evaluations["episode"][index], evaluations["env_step"][index]
    return Outcome(True, float(episode), float(env_step))


def _index(config: Mapping[str, Value], evaluations: Curve) -> int | None:
    threshold, consecutive = config.get("convergence.threshold"), config["convergence.consecutive"]
    if threshold is None or not evaluations:
        return None
    return convergence_index(evaluations["mean_return"], float(threshold), int(consecutive or 1))


def _budget(trial: Trial, clock: str) -> float:
    limit = trial.config.get(f"budget.{clock}")
    return end(trial, clock) if limit is None else float(limit)


def end(trial: Trial, clock: str) -> float:
    """Where the trial's clock (`episodes` or `env_steps`) stood when it was last recorded."""
    value = trial.result.get(clock)
    return np.nan if value is None else float(value)
