"""The outcome of a trial from its record: the time of convergence, or of censoring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dqn_exp.convergence import convergence_index
from dqn_exp.scores import Floats

NEVER = "diverged"
"""The status of trials that never converge, whatever their earlier evaluations."""
BUDGETED = ("episodes", "env_steps")
"""The clocks by which a time of convergence is reported."""


class Outcome(NamedTuple):
    """On both clocks, the time of convergence if `converged`, otherwise the time of censoring."""

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
    """The outcome of one trial, by the same convergence rule that the trial used to stop.

    - `evaluations`: the columns of its evaluations file, [rows] each; empty if there are none.
    - `ended`, `budget`: the final counts of its clocks and their limits, by the names in `BUDGETED`.

    A diverged trial is censored at its budget. Any other trial that did not converge is censored at its end.
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
