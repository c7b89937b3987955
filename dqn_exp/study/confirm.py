"""Confirmation: run the best proposals and the default configuration on seeds that the search did not use.

The search score of the best proposal is biased upwards, because it is the best of many noisy scores. Fresh
seeds give an unbiased score, and the default on the same seeds shows the difference. The caller of the study
passes in the judge of what the scores on fresh seeds prove.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import optuna
from hydra.core.utils import JobReturn, JobStatus
from optuna.trial import FrozenTrial

from dqn_exp.config import Config
from dqn_exp.launch import Reuse, make_console, print_rows
from dqn_exp.plan import PlannedTrial, with_directory
from dqn_exp.runs import write_json
from dqn_exp.study.objective import MEASURES, STEPS, Aggregate, Objective
from dqn_exp.study.plan import StudyPlan
from dqn_exp.study.record import Record, outcome_of, read_record
from dqn_exp.study.results import ranking
from dqn_exp.study.space import Repetition
from dqn_exp.study.storage import parameters, score_name, scores_by_environment
from dqn_exp.workers import Engine

FOLDER = "confirm"
DEFAULT = "default"
ATTRIBUTE = "confirmation"


class Judgement(NamedTuple):
    """The result of judging a confirmation."""

    differences: Sequence[Mapping[str, Any]]
    """The difference of each configuration from the default, by objective, as plain values."""
    tables: Mapping[str, Sequence[Mapping[str, str]]]
    """The table rows of each objective."""
    sentences: Sequence[str]


Judge = Callable[[Mapping[str, Any]], Judgement]
"""Judges the content of `summary`."""


@dataclass(frozen=True)
class Candidate:
    """A configuration that is run in the confirmation."""

    name: str
    """`DEFAULT`, or the number of the proposal."""
    number: int | None
    """The number of the best proposal with this configuration; None if none of the best ones has it."""
    params: Mapping[str, Any]
    search: Mapping[str, float]
    """The scores of that proposal in the search, by objective."""


def confirm(plan: StudyPlan, study: optuna.Study, engine: Engine, reuse: Reuse, judge: Judge) -> bool:
    """Run the confirmation on `engine`, or take its trials from `reuse`, and record it in the study.

    False if one of its trials failed.
    """
    candidates = choose(plan, study)
    if all(candidate.number is None for candidate in candidates):
        return True
    folder = plan.directory / FOLDER
    folder.mkdir(exist_ok=True)
    print(f"On fresh seeds: {', '.join(candidate.name for candidate in candidates)}")
    trials = plan.planner.plan(jobs(plan, candidates))

    def run(left: Sequence[PlannedTrial]) -> Sequence[JobReturn]:
        with engine.running(left, plan.directory) as run_trials:
            return run_trials(left)

    results = reuse.instead_of(run, trials, plan.directory)
    if any(result.status is not JobStatus.COMPLETED for result in results):
        return False
    content = summary(plan, candidates)
    judgement = judge(content)
    for row, difference in zip(content["configurations"], judgement.differences, strict=True):
        row["difference"] = dict(difference)
    write_json(folder / "confirmation.json", content)
    study.set_user_attr(ATTRIBUTE, content)
    tell(content, judgement)
    return True


def choose(plan: StudyPlan, study: optuna.Study) -> list[Candidate]:
    """The default, then the best `confirm.top` proposals with different configurations.

    A proposal with the values of the default counts among these `confirm.top`, but is not listed again: it
    would be compared with itself.
    """
    default, trials = _content(plan, {}), study.get_trials(deepcopy=False)
    candidates = {default: Candidate(DEFAULT, None, {}, {})}
    for trial in ranking(trials, plan.objectives):
        if sum(candidate.number is not None for candidate in candidates.values()) == plan.confirm.top:
            break
        params = parameters(trial)
        content, search = _content(plan, params), _search_scores(plan, trial)
        if content not in candidates:
            candidates[content] = Candidate(f"{trial.number:04d}", trial.number, params, search)
        elif candidates[content].number is None:
            candidates[content] = replace(candidates[content], number=trial.number, search=search)
    return list(candidates.values())


def default_trials(plan: StudyPlan) -> list[PlannedTrial]:
    """The trials of the confirmation that are known before the search: those of the default."""
    return plan.planner.plan(jobs(plan, [Candidate(DEFAULT, None, {}, {})])) if plan.confirm.top else []


def _content(plan: StudyPlan, params: Mapping[str, Any]) -> str:
    """A text that is equal for parameters that give the same configuration."""
    return " ".join(planned.config.hash() for planned in plan.plan(params, plan.seeds[:1]))


def _search_scores(plan: StudyPlan, trial: FrozenTrial) -> dict[str, float]:
    names = [objective.name for objective in plan.objectives]
    return {**dict(zip(names, trial.values, strict=True)), **scores_by_environment(trial)}


def jobs(plan: StudyPlan, candidates: Sequence[Candidate]) -> list[list[str]]:
    return [
        with_directory(
            plan.space.overrides(candidate.params, *repetition),
            plan.directory,
            f"{FOLDER}/{trial_name(candidate, repetition)}",
        )
        for candidate in candidates
        for repetition in plan.repetitions(plan.confirm.seeds)
    ]


def trial_name(candidate: Candidate, repetition: Repetition) -> str:
    return f"{candidate.name},{repetition.name}"


def summary(plan: StudyPlan, candidates: Sequence[Candidate]) -> dict[str, Any]:
    """The measured scores in the search and on fresh seeds, as plain values.

    Scores are named by their objective. With several environments, this is the mean over environments for
    each seed; the scores of each environment are named "objective.environment".
    """
    objectives = measured(plan)
    return {
        "search_seeds": list(plan.seeds),
        "seeds": list(plan.confirm.seeds),
        "environments": list(plan.environments),
        "aggregate": plan.objectives[0].aggregate.value,
        "objectives": {objective.name: objective.direction for objective in objectives},
        "bounds": {name: bounds for o in objectives for name, bounds in _bounds(o, plan).items()},
        "configurations": [_summary_of(candidate, plan, objectives) for candidate in candidates],
    }


def _bounds(objective: Objective, plan: StudyPlan) -> dict[str, list[float] | None]:
    by_environment = {name: objective.bounds(config) for name, config in plan.defaults.items()}
    known = [bounds for bounds in by_environment.values() if bounds is not None]
    together = np.mean(known, axis=0).tolist() if len(known) == len(by_environment) else None
    of_each = {score_name(objective.name, name): b and list(b) for name, b in by_environment.items()}
    return {objective.name: together, **of_each}


def _summary_of(candidate: Candidate, plan: StudyPlan, objectives: Sequence[Objective]) -> dict[str, Any]:
    records = _records(plan, candidate)
    scores = {
        score_name(o.name, name): [o.of_trial(record) for record in of_seeds]
        for o in objectives
        for name, of_seeds in records.items()
    }
    together = {
        o.name: np.mean([scores[score_name(o.name, name)] for name in records], axis=0).tolist()
        for o in objectives
    }
    return {
        "name": candidate.name,
        "number": candidate.number,
        "params": dict(candidate.params),
        "search": dict(candidate.search),
        "scores": together | scores,
        "converged": {
            score_name(o.name, name): [outcome_of(record).converged for record in of_seeds]
            for o in objectives
            for name, of_seeds in records.items()
            if o.name == STEPS
        },
        "diverged": sum(record.diverged for of_seeds in records.values() for record in of_seeds),
    }


def measured(plan: StudyPlan) -> list[Objective]:
    """The objectives of the study, then all others that these trials allow to compute."""
    others = [
        Objective(measure, Aggregate.mean, bool(plan.environments))
        for measure in MEASURES.values()
        if all(_fits(measure.name, config) for config in plan.defaults.values())
    ]
    names = [objective.name for objective in plan.objectives]
    return [*plan.objectives, *(other for other in others if other.name not in names)]


def _fits(name: str, config: Config) -> bool:
    evaluated = config.evaluation.every_steps or config.evaluation.every_episodes
    limited = config.budget.env_steps or config.budget.episodes
    judged = config.convergence.threshold is not None
    return name == "final_return" or bool(evaluated and limited and (judged or name == "aulc"))


def _records(plan: StudyPlan, candidate: Candidate) -> dict[str, list[Record]]:
    """The records of each seed, by environment."""
    repetitions = plan.repetitions(plan.confirm.seeds)
    by_environment: dict[str, list[Record]] = {}
    for repetition, planned in zip(repetitions, plan.plan(candidate.params, plan.confirm.seeds), strict=True):
        directory = plan.directory / FOLDER / trial_name(candidate, repetition)
        by_environment.setdefault(repetition.environment, []).append(read_record(directory, planned.config))
    return by_environment


def tell(content: Mapping[str, Any], judgement: Judgement) -> None:
    """Print a table for each objective, and the sentences of the judgement."""
    console = make_console()
    for name, rows in judgement.tables.items():
        console.print(f"{name} on {len(content['seeds'])} seeds that the search did not see")
        print_rows(console, rows)
    for sentence in judgement.sentences:
        console.print(sentence)
