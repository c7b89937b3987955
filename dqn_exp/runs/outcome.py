"""The outcome of a trial, from what it recorded: when it converged, or until when it had not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dqn_exp.convergence import convergence_index
from dqn_exp.scores import Floats

NEVER = "diverged"
"""The status that counts as never converging, whatever was evaluated before."""
BUDGETED = ("episodes", "env_steps")
"""The clocks on which a time of convergence is told."""


class Outcome(NamedTuple):
    """Time of convergence where `converged`, of censoring elsewhere, on both clocks."""

    converged: bool
    episodes: float
    env_steps: float


def judge(
    status: str,
    evaluations: Mapping[str, Floats],
    threshold: float | None,
    consecutive: int,
    ended: Mapping[str, float],
    budget: Mapping[str, float | None],
) -> Outcome:
    """The outcome of one trial, by the rule that the trial itself used to stop.

    `evaluations`: columns of its evaluations file, [rows] each; empty where there are none.
    `ended`, `budget`: where its clocks stopped, and their limits, by the names in `BUDGETED`. A trial
    that diverged is censored at its budget, any other that did not converge at its end.
    """
    if status == NEVER:
        limits = (budget.get(clock) for clock in BUDGETED)
        at = (ended[c] if limit is None else limit for c, limit in zip(BUDGETED, limits, strict=True))
        return Outcome(False, *map(float, at))
    index = None
    if threshold is not None and len(evaluations.get("mean_return", ())):
        index = convergence_index(evaluations["mean_return"], threshold, consecutive)
    if index is None:
        return Outcome(False, *(float(ended[clock]) for clock in BUDGETED))
    return Outcome(True, float(evaluations["episode"][index]), float(evaluations["env_step"][index]))
