"""The winners and the default configuration on seeds that the search never saw.

The score that made a proposal win is biased upwards: it is the best of many noisy ones. The same
configuration on fresh seeds shows what it is worth, and the default on the same seeds by how much
it is better, as a paired difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from hydra.core.utils import JobStatus
from hydra.plugins.launcher import Launcher
from rich.console import Console
from rich.table import Table

from dqn_exp.launch import Reuse, placed
from dqn_exp.runs import write_json
from dqn_exp.scores import Paired, paired_difference
from dqn_exp.study.objective import MEASURES, Aggregate, Objective, Record, read_record
from dqn_exp.study.prepare import Plan
from dqn_exp.study.results import ranking
from dqn_exp.study.storage import parameters
from dqn_exp.text import format_number

FOLDER = "confirm"
DEFAULT = "default"
ATTRIBUTE = "confirmation"


@dataclass(frozen=True)
class Candidate:
    """A configuration that is run again; `number` None for the default one."""

    number: int | None
    params: Mapping[str, Any]
    search: Mapping[str, float]
    """What it scored in the search, by objective."""

    @property
    def name(self) -> str:
        return DEFAULT if self.number is None else f"{self.number:04d}"


def confirm(plan: Plan, study: optuna.Study, launcher: Launcher, reuse: Reuse) -> bool:
    """Run the confirmation, or take what `reuse` has of it, and record it in the study.

    False where a trial of it failed.
    """
    candidates = choose(plan, study)
    if not plan.confirm.top or len(candidates) == 1:
        return True
    folder = plan.directory / FOLDER
    folder.mkdir(exist_ok=True)
    print(f"Confirming the best {len(candidates) - 1} and the default on fresh seeds")
    trials = plan.planner.plan(jobs(plan, candidates))
    results = reuse.launch(launcher, plan.directory, trials)
    if any(result.status is not JobStatus.COMPLETED for result in results):
        return False
    content = summary(plan, candidates)
    write_json(folder / "confirmation.json", content)
    study.set_user_attr(ATTRIBUTE, content)
    print_confirmation(content, plan.objectives)
    return True


def choose(plan: Plan, study: optuna.Study) -> list[Candidate]:
    """The default, and behind it the best proposals."""
    names = [objective.name for objective in plan.objectives]
    best = ranking(study.get_trials(deepcopy=False), plan.objectives, plan.confirm.top)
    winners = [Candidate(t.number, parameters(t), dict(zip(names, t.values, strict=True))) for t in best]
    return [Candidate(None, {}, {}), *winners]


def jobs(plan: Plan, candidates: Sequence[Candidate]) -> list[list[str]]:
    return [
        placed(
            plan.space.overrides(candidate.params, seed),
            plan.directory,
            str(trial_directory(plan, candidate, seed).relative_to(plan.directory)),
        )
        for candidate in candidates
        for seed in plan.confirm.seeds
    ]


def trial_directory(plan: Plan, candidate: Candidate, seed: int) -> Path:
    return plan.directory / FOLDER / f"{candidate.name},seed={seed}"


def summary(plan: Plan, candidates: Sequence[Candidate]) -> dict[str, Any]:
    """Search scores, confirmed scores and paired differences, as plain values."""
    objectives = measured(plan)
    records = {candidate.name: _records(plan, candidate) for candidate in candidates}
    scores = {
        name: {o.name: [o.of_trial(record) for record in found] for o in objectives}
        for name, found in records.items()
    }
    return {
        "search_seeds": list(plan.seeds),
        "seeds": list(plan.confirm.seeds),
        "aggregate": plan.objectives[0].aggregate.value,
        "objectives": {objective.name: objective.direction for objective in objectives},
        "configurations": [
            {
                "name": candidate.name,
                "params": dict(candidate.params),
                "search": dict(candidate.search),
                "scores": scores[candidate.name],
                "diverged": sum(record.diverged for record in records[candidate.name]),
                "difference": _differences(scores[candidate.name], scores[DEFAULT]),
            }
            for candidate in candidates
        ],
    }


def measured(plan: Plan) -> list[Objective]:
    """What was searched for, and beside it whatever else these trials can show."""
    others = [
        Objective(measure, Aggregate.mean) for measure in MEASURES.values() if _fits(measure.name, plan)
    ]
    names = [objective.name for objective in plan.objectives]
    return [*plan.objectives, *(other for other in others if other.name not in names)]


def _fits(name: str, plan: Plan) -> bool:
    config = plan.default
    evaluated = config.evaluation.every_steps or config.evaluation.every_episodes
    limited = config.budget.env_steps or config.budget.episodes
    judged = config.convergence.threshold is not None
    return name == "final_return" or bool(evaluated and limited and (judged or name == "aulc"))


def _records(plan: Plan, candidate: Candidate) -> list[Record]:
    planned = plan.planner.plan([plan.space.overrides(candidate.params, s) for s in plan.confirm.seeds])
    return [
        read_record(trial_directory(plan, candidate, trial.config.seed), trial.config) for trial in planned
    ]


def _differences(
    scores: Mapping[str, Sequence[float]], reference: Mapping[str, Sequence[float]]
) -> dict[str, dict[str, float | None]]:
    return {name: _difference(values, reference[name]) for name, values in scores.items()}


def _difference(values: Sequence[float], reference: Sequence[float]) -> dict[str, float | None]:
    """Mean of the pairs' differences with its t interval; None where a diverged seed makes it infinite."""
    found = Paired(np.nan, (np.nan, np.nan), np.nan)
    if np.isfinite([*values, *reference]).all():
        found = paired_difference(values, reference)
    named = {
        "mean": found.difference,
        "low": found.interval[0],
        "high": found.interval[1],
        "correlation": found.correlation,
    }
    return {name: float(value) if np.isfinite(value) else None for name, value in named.items()}


def print_confirmation(content: Mapping[str, Any], objectives: Sequence[Objective]) -> None:
    """A table per objective: search score, confirmed score, difference from the default."""
    console = Console(markup=False, highlight=False)
    searched = {objective.name: objective for objective in objectives}
    for name in content["objectives"]:
        table = Table(title=f"{name} on {len(content['seeds'])} seeds that the search did not see")
        table.add_column("configuration")
        for heading in ("search", "confirmed", "less the default [95%]"):
            table.add_column(heading, justify="right")
        for row in content["configurations"]:
            table.add_row(row["name"], *_cells(row, name, searched.get(name)))
        console.print(table)


def _cells(row: Mapping[str, Any], name: str, objective: Objective | None) -> list[str]:
    search, scores = row["search"].get(name), row["scores"][name]
    confirmed = objective.of_proposal(scores) if objective else float(np.mean(scores))
    shown = "" if row["name"] == DEFAULT else _interval_text(row["difference"][name])
    return ["" if search is None else format_number(search), format_number(confirmed), shown]


def _interval_text(difference: Mapping[str, float | None]) -> str:
    mean, low, high = (difference[key] for key in ("mean", "low", "high"))
    if mean is None:
        return "a seed diverged"
    return _signed(mean) + ("" if low is None or high is None else f" [{_signed(low)}, {_signed(high)}]")


def _signed(value: float) -> str:
    return f"{'+' * (value > 0)}{format_number(value)}"
