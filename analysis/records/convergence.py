"""Whether and when a trial converged, by the rule of its own configuration."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from analysis.records.disk import Curve, RecordedTrial, Value
from analysis.records.imported import is_partial
from dqn_exp.runs import BUDGETED, Outcome, judge


def obstacle(config: Mapping[str, Value]) -> str | None:
    """Why convergence cannot be judged in a trial of `config`; None if it can."""
    threshold, held, needed = config.get("convergence.threshold"), most_evaluations(config), in_a_row(config)
    if threshold is None or not np.isfinite(float(threshold)) or not held:
        return "there are no evaluations during training, or no threshold"
    if held < needed:
        return f"convergence needs {needed} consecutive evaluations; the budget allows {held:.0f}"
    return None


def in_a_row(config: Mapping[str, Value]) -> int:
    """How many evaluations in a row must reach the threshold."""
    return int(config.get("convergence.consecutive") or 1)


def most_evaluations(config: Mapping[str, Value]) -> float:
    """The most evaluations that the budget allows.

    inf if the budget limits another clock than that of the evaluations, and for logs of other programs,
    which do not record how often the trial was evaluated.
    """
    if is_partial(config):
        return math.inf
    total = 0.0
    for clock, limit in _limits(config).items():
        every = config.get(f"evaluation.every_{_PERIODS[clock]}")
        if every is not None:
            total += math.inf if limit is None else limit // float(every)
    return total


_PERIODS = {"episodes": "episodes", "env_steps": "steps"}
"""For each clock, its name in the keys `evaluation.every_*`."""


def outcome(trial: RecordedTrial, evaluations: Curve) -> Outcome:
    """The outcome of `trial` by its records (`dqn_exp.runs.judge`)."""
    threshold = trial.config.get("convergence.threshold")
    return judge(
        trial.status,
        evaluations,
        None if threshold is None else float(threshold),
        in_a_row(trial.config),
        ended={clock: trial.number(clock) for clock in BUDGETED},
        budget=_limits(trial.config),
    )


def _limits(config: Mapping[str, Value]) -> dict[str, float | None]:
    """The budget on each clock; None if there is no limit."""
    limits = {clock: config.get(f"budget.{clock}") for clock in BUDGETED}
    return {clock: None if limit is None else float(limit) for clock, limit in limits.items()}
