"""A study from its command to its report: open it, search, confirm, tell."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import optuna
from hydra.core.override_parser.types import Override
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, read_write

from dqn_exp.config import ConfigError
from dqn_exp.launch import Reuse, read_reuse, refuse_shard
from dqn_exp.plan import is_dry_run
from dqn_exp.runs import directory_lock, is_locked, write_atomic
from dqn_exp.study.claims import Claims
from dqn_exp.study.confirm import Judgement, confirm
from dqn_exp.study.dry_run import print_study
from dqn_exp.study.parts import build_pruner, is_active
from dqn_exp.study.plan import StudyPlan
from dqn_exp.study.prepare import check_outlook, prepare
from dqn_exp.study.presence import Presence
from dqn_exp.study.progress import describe
from dqn_exp.study.question import changes
from dqn_exp.study.record import horizon_of
from dqn_exp.study.results import best_trials, run_command, score_text, write_manifest, write_results
from dqn_exp.study.search import Search
from dqn_exp.study.storage import dashboard_command, open_storage
from dqn_exp.text import format_count
from dqn_exp.workers import Engine

NOT_IN_A_STUDY = (
    "a study chooses its trials while it runs, so they cannot be divided beforehand; allowed: the same "
    "command without it on every machine, with one storage for all (hydra.sweeper.storage=...)"
)
QUESTION = "question"
"""The user attribute of a study with its question, key by key."""


class Studied(NamedTuple):
    """The outcome of a study."""

    directory: Path
    name: str
    location: str
    """The location of its storage."""
    best: float | list[list[float]] | None = None
    """The best value, or the values of the Pareto front; None if there is none."""
    falls_short: bool = False
    """Whether a proposal failed or the result could not be confirmed."""


class Analyst(Protocol):
    """Judges and reports the results of a study."""

    def judge(self, confirmation: Mapping[str, Any]) -> Judgement:
        """Judge the scores on fresh seeds, given the content of `confirm.summary`."""

    def write_report(self, study: optuna.Study, output: Path) -> Path:
        """Write the report of a study to the folder `output`; returns the path of its page."""


def run_study(
    context: HydraContext,
    master: DictConfig,
    engine: Engine,
    overrides: Sequence[Override],
    options: Mapping[str, Any],
    analyst: Analyst,
) -> Studied:
    """Run a study on `engine`: search, confirm, report."""
    refuse_shard(master, NOT_IN_A_STUDY)
    plan = prepare(context, master, overrides, options, engine)
    at_a_time = engine.at_a_time(plan.settings.n_jobs)
    check_outlook(plan, at_a_time)
    reuse = read_reuse(overrides, master, plan.directory)
    if is_dry_run(master):
        print_study(plan, at_a_time, reuse)
        return Studied(plan.directory, plan.name, plan.location)
    engine.reach()
    study = open_study(plan)
    plan = plan.continuing(study.get_trials(deepcopy=False))
    _start_directory(plan)
    presence = Presence(study, plan.directory)
    print(f"Study {plan.name}: {plan.total} proposals x {_trials_each(plan)} in {plan.directory}")
    print(f"Watch it: {dashboard_command(plan.location)}", flush=True)
    with presence.announced():
        claims = Claims(study, plan.location, presence, plan.total)
        search = Search(plan, study, claims, engine, Reuse([]) if is_active(study.pruner) else reuse)
        search.run()
    with _completion_lock(plan.directory):
        write_results(plan, study)
        complete = not search.stopped and confirm(plan, study, engine, reuse, analyst.judge)
        write_manifest(plan, complete=complete)
        _print_summary(plan, study, analyst)
    falls_short = bool(search.failures) or not complete
    return Studied(plan.directory, plan.name, plan.location, best_value(plan, study), falls_short)


def best_value(plan: StudyPlan, study: optuna.Study) -> float | list[list[float]] | None:
    """The result of the sweeper for Hydra: the best value, or the values of the Pareto front."""
    best = best_trials(study.get_trials(deepcopy=False), plan.objectives)
    return [list(t.values) for t in best] if len(plan.objectives) > 1 else (best[0].value if best else None)


def open_study(plan: StudyPlan) -> optuna.Study:
    """Create or open the study; raises ConfigError if the storage holds a different study of that name."""
    storage = open_storage(plan.location)
    pruner = build_pruner(plan.pruner, horizon_of(plan.default))
    try:
        study = optuna.load_study(study_name=plan.name, storage=storage, pruner=pruner)
    except KeyError:
        directions = [objective.direction for objective in plan.objectives]
        study = optuna.create_study(
            study_name=plan.name, storage=storage, pruner=pruner, directions=directions, load_if_exists=True
        )
    known = study.user_attrs.get("identity")
    if known is None and not study.get_trials(deepcopy=False):
        study.set_user_attr("identity", plan.identity)
        study.set_user_attr(QUESTION, plan.question)
        study.set_user_attr("objectives", [objective.name for objective in plan.objectives])
        study.set_user_attr("environments", list(plan.environments))
    elif known != plan.identity:
        changed = [name for name, value in plan.identity.items() if (known or {}).get(name) != value]
        before = study.user_attrs.get(QUESTION)
        details = "" if before is None else f": {changes(before, plan.question)}"
        raise ConfigError(
            f"hydra.sweeper.study_name={plan.name}: the storage has a study of this name with another "
            f"{' and '.join(changed)}{details}; allowed: another study_name, or null for a generated name"
        )
    return study


def _trials_each(plan: StudyPlan) -> str:
    n = len(plan.environments)
    environments = f"{format_count(n, 'environment')} x " if n else ""
    return f"{environments}{len(plan.seeds)} seeds"


def _start_directory(plan: StudyPlan) -> None:
    plan.directory.mkdir(parents=True, exist_ok=True)
    with read_write(plan.master.hydra):
        plan.master.hydra.sweep.dir = str(plan.directory)
    write_manifest(plan, complete=False)
    write_atomic(plan.directory / "multirun.yaml", OmegaConf.to_yaml(plan.master).encode())


@contextlib.contextmanager
def _completion_lock(directory: Path) -> Iterator[None]:
    """Only one process at a time completes a study; the next one finds what was confirmed."""
    if is_locked(directory):
        print("Waiting for another process that confirms and reports the result", flush=True)
    with directory_lock(directory, patience=math.inf):
        yield


def _print_summary(plan: StudyPlan, study: optuna.Study, analyst: Analyst) -> None:
    """Print the best proposals, the command that runs the best one, and where report and dashboard are."""
    best = best_trials(study.get_trials(deepcopy=False), plan.objectives)
    for trial in best:
        print(
            f"Best: {score_text(trial, plan.objectives)} (proposal {trial.number}): {describe(trial.params)}"
        )
    if best:
        print(f"Run it: {run_command(plan)}")
    else:
        print(
            "No proposal has a finite score: all of them failed, diverged, were pruned, or ended before an "
            "evaluation that their score needs."
        )
    if plan.master.report and best:
        print(f"Report: {analyst.write_report(study, plan.directory / 'report')}")
    print(f"Dashboard: {dashboard_command(plan.location)}")
