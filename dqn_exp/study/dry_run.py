"""`dry_run=true` of a study: report what it would search, what exists already, and the time and memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from dqn_exp.config import Config
from dqn_exp.launch import NOTHING_DONE, Reuse, list_seeds, make_console, print_memory, print_rows, print_time
from dqn_exp.plan import PlannedTrial, bytes_of_replay
from dqn_exp.runs import MANIFEST
from dqn_exp.study.confirm import default_trials
from dqn_exp.study.objective import Objective
from dqn_exp.study.parts import build_pruner, is_active
from dqn_exp.study.plan import StudyPlan
from dqn_exp.study.prepare import extreme_configs
from dqn_exp.study.record import horizon_of
from dqn_exp.study.storage import open_storage, printable, proposals
from dqn_exp.text import format_count, format_value


def print_study(plan: StudyPlan, at_a_time: int | None, reuse: Reuse) -> None:
    """Print the report.

    at_a_time: number of proposals at a time on this machine, None if unknown; reuse: finds finished trials to
    take instead of training.
    """
    console, done = make_console(), _proposals_done(plan)
    number = f"{format_count(plan.total, 'proposal')}, {done} done"
    console.print(f"Study {plan.name} in {plan.directory}: {number}")
    searched = [{"searched": key, "values": _values(d)} for key, d in plan.space.distributions.items()]
    if searched:
        print_rows(console, searched)
    for name, text in _settings(plan).items():
        console.print(f"{name}: {text}")
    known = _known_trials(plan)
    origins = reuse.find(known, plan.directory)
    reuse.tell(origins.values(), len(known), console.print, "known before the search can be taken")
    left = plan.total - done
    if left > 0:
        n_workers = min(at_a_time or 1, left)
        n_trials = n_workers * len(plan.repetitions(plan.seeds))
        largest = max(map(bytes_of_replay, extreme_configs(plan)))
        print_memory(console, n_trials * largest, f"{n_trials} trials at a time, at the largest")
        print_time(console, _pieces(plan, left), n_workers)
        console.print(
            "The estimate assumes the pace of the default configuration, and no pruned or taken trials."
        )
    console.print(NOTHING_DONE)


def _known_trials(plan: StudyPlan) -> list[PlannedTrial]:
    """The trials that a study requests whatever its results, and that it may take.

    These are the trials of its first points, if these give all values, and those of the default in the
    confirmation. With a pruner, trials of proposals are never taken.
    """
    has_begun = (plan.directory / MANIFEST).exists()
    prunes = is_active(build_pruner(plan.pruner, horizon_of(plan.default)))
    points = [] if has_begun or prunes or plan.extend else list(plan.points.values())[: plan.total]
    whole = [point for point in points if point.keys() >= plan.space.distributions.keys()]
    searched = [trial for point in whole for trial in plan.plan(point, plan.seeds)]
    return [*searched, *default_trials(plan)]


def _proposals_done(plan: StudyPlan) -> int:
    """The number of finished proposals; 0 if the study has not begun in its directory.

    The storage is opened only if it has begun, because opening might create it.
    """
    if not (plan.directory / MANIFEST).exists():
        return 0
    try:
        study = optuna.load_study(study_name=plan.name, storage=open_storage(plan.location))
    except KeyError:
        return 0
    return sum(trial.state.is_finished() for trial in proposals(study.get_trials(deepcopy=False)))


def _settings(plan: StudyPlan) -> dict[str, str]:
    choices: Mapping[str, str | None] = plan.master.hydra.runtime.choices
    further = plan.settings.custom_search_space
    top, seeds = plan.confirm.top, list_seeds(plan.confirm.seeds)
    return {
        **({"Further parameters": f"suggested by {further}"} if further else {}),
        **({"Environments of each proposal": _environments(plan)} if plan.environments else {}),
        "Seeds of each proposal": list_seeds(plan.seeds),
        "Sampler": str(choices.get("hydra/sweeper/sampler")),
        "Pruner": str(choices.get("hydra/sweeper/pruner")),
        "Objective": ", ".join(map(_goal, plan.objectives)),
        "Confirmed": f"the default and the best {top}, on seeds {seeds}" if top else "nothing",
        "Storage": printable(plan.location),
    }


def _environments(plan: StudyPlan) -> str:
    return f"{', '.join(plan.environments)}; each score is scaled by its environment, and their mean counts"


def _goal(objective: Objective) -> str:
    return f"{objective.direction} {objective.name} ({objective.aggregate.value} over seeds)"


def _values(distribution: BaseDistribution) -> str:
    match distribution:
        case CategoricalDistribution():
            return ", ".join(map(format_value, distribution.choices))
        case IntDistribution() | FloatDistribution():
            scale = " on a log scale" if distribution.log else ""
            is_continuous = distribution.step is None or distribution.step == 1
            step = "" if is_continuous else f" in steps of {format_value(distribution.step)}"
            return f"{format_value(distribution.low)} to {format_value(distribution.high)}{step}{scale}"
    return str(distribution)


def _pieces(plan: StudyPlan, left: int) -> Sequence[Sequence[Config]]:
    """The pieces of work of one worker: all trials of a proposal, or one trial of the confirmation."""
    configs = list(plan.defaults.values())
    confirmed = (1 + plan.confirm.top) * len(plan.confirm.seeds) if plan.confirm.top else 0
    return [*[configs * len(plan.seeds)] * left, *[[config] for config in configs] * confirmed]
