"""Whether and when a trial converged, by the rule of its own configuration."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from analysis.records.disk import Curve, RecordedTrial, Value
from dqn_exp.runs import BUDGETED, Outcome, judge


def is_judged(config: Mapping[str, Value]) -> bool:
    """Can convergence be seen at all: is there a finite threshold, and are there evaluations?"""
    evaluated = config.get("evaluation.every_steps") or config.get("evaluation.every_episodes")
    threshold = config.get("convergence.threshold")
    return threshold is not None and np.isfinite(float(threshold)) and bool(evaluated)


def outcome(trial: RecordedTrial, evaluations: Curve) -> Outcome:
    """The outcome of `trial`: what `judge` says of its records."""
    threshold = trial.config.get("convergence.threshold")
    return judge(
        trial.status,
        evaluations,
        None if threshold is None else float(threshold),
        int(trial.config["convergence.consecutive"] or 1),
        ended={clock: trial.number(clock) for clock in BUDGETED},
        budget=_limits(trial.config),
    )


def _limits(config: Mapping[str, Value]) -> dict[str, float | None]:
    """The budget on each clock; None where it has no limit."""
    limits = {clock: config.get(f"budget.{clock}") for clock in BUDGETED}
    return {clock: None if limit is None else float(limit) for clock, limit in limits.items()}
