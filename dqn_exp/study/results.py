"""Write the results of a study: the best proposal, a table of all, and a runnable configuration."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import optuna
from omegaconf import DictConfig, OmegaConf
from optuna.trial import FrozenTrial, TrialState

from dqn_exp.plan import PlannedTrial
from dqn_exp.runs import (
    MANIFEST,
    MANIFEST_FORMAT,
    command_line,
    now,
    read_manifest,
    write_atomic,
    write_json,
)
from dqn_exp.scores import pareto_front
from dqn_exp.study.objective import Objective
from dqn_exp.study.plan import StudyPlan
from dqn_exp.study.space import ENVIRONMENT
from dqn_exp.study.storage import BY_ENVIRONMENT, parameters, printable, trials_csv_of
from dqn_exp.text import format_number

BEST = Path("experiment") / "best.yaml"
NOT_SETTINGS = ("hydra", "experiment", "sweeps", "objective", "confirm", "seed", "report", "reuse", "shard")
"""Keys that `best.yaml` does not set, so that its user can choose them."""


def best_trials(trials: Sequence[FrozenTrial], objectives: Sequence[Objective]) -> list[FrozenTrial]:
    """The best trial, or the Pareto front; trials with NaN or infinite scores are left out."""
    scored = [t for t in trials if t.state is TrialState.COMPLETE and all(map(math.isfinite, t.values))]
    signs = [1 if objective.lowest_is_best else -1 for objective in objectives]
    losses = {t.number: [s * v for s, v in zip(signs, t.values, strict=True)] for t in scored}
    scored.sort(key=lambda trial: (losses[trial.number], trial.number))
    if len(objectives) == 1:
        return scored[:1]
    undominated = pareto_front([losses[trial.number] for trial in scored]) if scored else ()
    return [trial for trial, stays in zip(scored, undominated, strict=True) if stays]


def ranking(trials: Sequence[FrozenTrial], objectives: Sequence[Objective]) -> Iterator[FrozenTrial]:
    """The proposals with finite scores and different parameters, best first, Pareto front by Pareto front."""
    left = list(trials)
    while front := best_trials(left, objectives):
        left = [trial for trial in left if all(trial.params != other.params for other in front)]
        yield from front


def score_text(trial: FrozenTrial, objectives: Sequence[Objective]) -> str:
    named = zip(objectives, trial.values, strict=True)
    return ", ".join(
        f"{objective.name} {format_number(value)}{_environment_scores(trial, objective.name)}"
        for objective, value in named
    )


def _environment_scores(trial: FrozenTrial, objective: str) -> str:
    """The trial's score in each of several environments, as text."""
    scores = trial.user_attrs.get(BY_ENVIRONMENT, {}).get(objective, {})
    listed = ", ".join(f"{name} {format_number(score)}" for name, score in scores.items())
    return f" ({listed})" if listed else ""


def write_manifest(plan: StudyPlan, complete: bool) -> None:
    """Write the study's sweep.json; the storage lists the trials."""
    content: dict[str, Any] = {
        "format": MANIFEST_FORMAT,
        "command": command_line(),
        "started": read_manifest(plan.directory).get("started") or now(),
        "fingerprint": plan.fingerprint,
        "complete": complete,
        "trials": [],
        "question": plan.question,
        "study": {
            "name": plan.name,
            "storage": printable(plan.location),
            "most_trials": plan.most_trials,
        },
    }
    write_json(plan.directory / MANIFEST, content)


def write_results(plan: StudyPlan, study: optuna.Study) -> None:
    trials = study.get_trials(deepcopy=False)
    write_atomic(
        plan.directory / "trials.csv", trials_csv_of(trials, [o.name for o in plan.objectives]).encode()
    )
    best = best_trials(trials, plan.objectives)
    summary = optimization_results(best)
    write_atomic(plan.directory / "optimization_results.yaml", OmegaConf.to_yaml(summary).encode())
    if best:
        (plan.directory / BEST).parent.mkdir(exist_ok=True)
        write_atomic(plan.directory / BEST, best_yaml(plan, best[0]).encode())


def optimization_results(best: Sequence[FrozenTrial]) -> DictConfig:
    """The content by Hydra's convention: the best trial, or the solutions of several objectives."""
    if len(best) == 1 and len(best[0].values) == 1:
        (trial,) = best
        content: dict[str, Any] = {
            "best_params": parameters(trial),
            "best_value": trial.value,
            "best_number": trial.number,
            **_by_environment(trial, "best_by_environment"),
        }
    else:
        solutions = [
            {
                "params": parameters(t),
                "values": t.values,
                "number": t.number,
                **_by_environment(t, BY_ENVIRONMENT),
            }
            for t in best
        ]
        content = {"solutions": solutions}
    return OmegaConf.create({"name": "optuna", **content})


def _by_environment(trial: FrozenTrial, key: str) -> dict[str, Any]:
    scores = trial.user_attrs.get(BY_ENVIRONMENT)
    return {key: dict(scores)} if scores else {}


def best_yaml(plan: StudyPlan, trial: FrozenTrial) -> str:
    """An experiment file with the best proposal's differences from the defaults, including fixed values."""
    planned = plan.plan(trial.params, plan.seeds[:1])[0]
    groups = changed_groups(plan, planned)
    ours = [f"{ENVIRONMENT}={name}" for name in plan.environments[:1]]  # so that its own settings cancel out
    base = plan.compose([*ours, *(f"{group}={choice}" for group, choice in groups.items())])
    changed = _differences(_container(planned.hydra_config), _container(base))
    content: dict[str, Any] = {}
    if groups:
        content["defaults"] = [{f"override /{group}": choice} for group, choice in groups.items()]
    seeds = ", ".join(map(str, plan.seeds))
    return (
        f"# @package _global_\n"
        f"# The best proposal of the study {plan.name}: number {trial.number}, "
        f"{score_text(trial, plan.objectives)} over seeds {seeds}.\n"
        f"#   {run_command(plan)}\n"
        f"{OmegaConf.to_yaml(OmegaConf.create({**content, **changed}))}"
    )


def run_command(plan: StudyPlan) -> str:
    environment = f" {ENVIRONMENT}={plan.environments[0]}" if plan.environments else ""
    return f"python -m dqn_exp --config-dir '{plan.directory}' experiment=best{environment}"


def changed_groups(plan: StudyPlan, planned: PlannedTrial) -> dict[str, str]:
    """The config groups for which a trial does not use the default option, with the chosen options.

    With several environments, `env` is left out.
    """
    default = plan.compose([]).hydra.runtime.choices
    chosen = planned.hydra_config.hydra.runtime.choices
    return {
        str(group): choice
        for group, choice in chosen.items()
        if not str(group).startswith("hydra/")
        and group not in NOT_SETTINGS
        and not (group == ENVIRONMENT and plan.environments)
        and choice is not None
        and choice != default.get(group)
    }


def _container(config: DictConfig) -> dict[str, Any]:
    """The values before interpolation, so that values derived from a short name are not written twice."""
    values = OmegaConf.to_container(config, resolve=False)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items() if key not in NOT_SETTINGS}


def _differences(values: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    changed = {}
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            if inner := _differences(value, base[key]):
                changed[key] = inner
        elif key not in base or value != base[key] or type(value) is not type(base[key]):
            changed[key] = value
    return changed
