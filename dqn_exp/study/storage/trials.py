"""The trials in a study's storage: which of them count, and a table of all."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState

PROCESS, RETRY_OF, KEY, WITHDRAWN, DIED, CAUSE, DIRECTORY, WITNESSES, DRAWN, BY_ENVIRONMENT = (
    "process", "retry_of", "key", "withdrawn", "died", "cause", "directory", "witnesses", "drawn",
    "by_environment",
)  # fmt: skip
"""The names of user attributes of trials."""
QUEUED = "queued"
"""The value of `DRAWN` for a trial with queued parameters."""
INDEPENDENT = ("random", "qmc", "grid")
"""The values of `DRAWN` for trials whose parameters do not depend on earlier scores."""


def score_name(objective: str, environment: str) -> str:
    """The name of an objective's score in one of several environments, such as "aulc.cartpole".

    If a study has only one environment, "", it is the objective's own name.
    """
    return f"{objective}.{environment}" if environment else objective


def scores_by_environment(trial: FrozenTrial) -> dict[str, float]:
    """The score in each of several environments, by `score_name`."""
    return {
        score_name(objective, environment): score
        for objective, each in trial.user_attrs.get(BY_ENVIRONMENT, {}).items()
        for environment, score in each.items()
    }


def parameters(trial: FrozenTrial) -> dict[str, Any]:
    """The parameters of `trial`, without rounding errors of stepped ranges."""
    return {key: on_grid(trial.distributions[key], value) for key, value in trial.params.items()}


def on_grid(distribution: BaseDistribution, value: Any) -> Any:
    """The exact number of a stepped range that is nearest to `value`: 0.3 for 0.1 + 2 * 0.1."""
    if not isinstance(distribution, FloatDistribution) or distribution.step is None:
        return value
    low, step = Decimal(repr(distribution.low)), Decimal(repr(distribution.step))
    return float(low + round((Decimal(value) - low) / step) * step)


def proposals(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that count: without queued, withdrawn and retried ones."""
    again = {t.user_attrs.get(RETRY_OF) for t in trials if not is_withdrawn(t)}
    return [
        trial
        for trial in trials
        if trial.state is not TrialState.WAITING and not is_withdrawn(trial) and trial.number not in again
    ]


def is_withdrawn(trial: FrozenTrial) -> bool:
    return bool(trial.user_attrs.get(WITHDRAWN))


def typed(value: object) -> object:
    """A parameter as in the configuration: the texts "null", "true" and "false" become None and booleans."""
    return _WORDS.get(value.lower(), value) if isinstance(value, str) else value


_WORDS = {"null": None, "true": True, "false": False}


def plain(value: object) -> object:
    """`value` for a table, in which None must not look like a missing value."""
    return "none" if value is None else value


def trials_csv_of(trials: Sequence[FrozenTrial], objectives: Sequence[str]) -> str:
    """A CSV with one row per trial of the storage; the column `counted` marks those that count."""
    counted = {trial.number for trial in proposals(trials)}
    rows = [_row(trial, objectives, trial.number in counted) for trial in trials]
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _row(trial: FrozenTrial, objectives: Sequence[str], counted: bool) -> dict[str, Any]:
    values = trial.values or [None] * len(objectives)
    scores = trial.user_attrs.get("scores", {})
    done = trial.datetime_complete
    return {
        "number": trial.number,
        "state": trial.state.name.lower(),
        "counted": counted,
        **dict(zip(objectives, values, strict=False)),
        **scores_by_environment(trial),
        **{f"params.{key}": plain(typed(value)) for key, value in parameters(trial).items()},
        **{f"{name}.{index}": s for name, seeds in scores.items() for index, s in enumerate(seeds)},
        "diverged": trial.user_attrs.get("statuses", []).count("diverged"),
        "pruned_at": trial.user_attrs.get("pruned_at"),
        "cause": trial.user_attrs.get(CAUSE),
        "retry_of": trial.user_attrs.get(RETRY_OF),
        "directory": trial.user_attrs.get(DIRECTORY),
        "drawn": trial.user_attrs.get(DRAWN),
        "seconds": (done - trial.datetime_start).total_seconds() if done and trial.datetime_start else None,
    }
