"""One plain row per trial: configuration, outcome and result, without pandas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.records.convergence import outcome
from analysis.records.disk import Curve, RecordedTrial
from analysis.records.imported import is_judged_by_training
from dqn_exp import scores
from dqn_exp.runs import ORIGIN

Row = Mapping[str, Any]

RESULTS = (
    "run", "seed", "status", "converged", "episodes_to_threshold", "steps_to_threshold",
    "final_return", "best_return", "env_steps", "episodes", "updates", "wall_seconds",
    "env_steps_per_second", "final_std", "cause", "problem", "origin",
)  # fmt: skip
"""The columns of every row that are not configuration or measures of the environment."""


def make_row(trial: RecordedTrial, evaluations: Curve | None) -> Row:
    """The row of one trial. `evaluations` is None if they are damaged; then convergence is unknown."""
    damaged = evaluations is None
    judged = outcome(trial, evaluations or {})
    unclear = trial.status == "converged" and not judged.converged
    problem = (
        "damaged evaluations" if damaged else "recorded as converged, but its evaluations do not show it"
    )
    row = {
        "run": trial.run,
        "status": trial.status,
        "converged": judged.converged,
        "episodes_to_threshold": np.nan if damaged else judged.episodes,
        "steps_to_threshold": np.nan if damaged else judged.env_steps,
        "best_return": _best(trial, {} if is_judged_by_training(trial.config) else evaluations or {}),
        "cause": trial.result.get("cause"),
        "problem": problem if damaged or unclear else None,
        "origin": (trial.record.get(ORIGIN) or {}).get("directory"),
    }
    facts = {name: trial.number(name) for name in RESULTS if name not in row and name != "seed"}
    measures = {f"measures.{k}": v for k, v in (trial.result.get("measures") or {}).items()}
    return {**row, **facts, **trial.config, "seed": trial.record.get("seed"), **measures}


def _best(trial: RecordedTrial, evaluations: Curve) -> float:
    """The best mean greedy return, measured during or after training."""
    returns = [*evaluations.get("mean_return", ()), trial.number("final_return")]
    return float(np.nanmax(returns)) if not np.all(np.isnan(returns)) else np.nan


def column(rows: Iterable[Row], name: str) -> NDArray[np.float64]:
    """The numbers in one column [rows]; missing ones are NaN."""
    values = (row.get(name) for row in rows)
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def names(rows: Sequence[Row]) -> list[str]:
    """All column names in order of appearance. A row need not have all of them."""
    return list(dict.fromkeys(name for row in rows for name in row))


def return_bounds(rows: Sequence[Row]) -> tuple[float, float] | None:
    """The bounds of the possible returns of these trials; None if they are unknown or not the same for all.

    They are the bounds of a step's reward times the number of steps; an episode may also end at once.
    """
    bounds = {_bounds(row) for row in rows}
    return bounds.pop() if len(bounds) == 1 else None


def _bounds(row: Row) -> tuple[float, float] | None:
    keys = ("returns.lowest_reward", "returns.highest_reward", "env.max_episode_steps")
    return scores.return_bounds(*map(row.get, keys))
