"""Prepare a study from the command line: check everything, write nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hydra.core.override_parser.types import Override
from hydra.types import HydraContext
from hydra.utils import get_method
from omegaconf import DictConfig

from dqn_exp.config import Config, ConfigError
from dqn_exp.plan import (
    Planner,
    bytes_of_replay,
    check_init_from_visible,
    check_memory,
    print_doubts,
    read_groups,
)
from dqn_exp.runs import read_manifest
from dqn_exp.study.environments import (
    check_scales,
    read_environments,
    refuse_choice,
    refuse_single_environment_keys,
)
from dqn_exp.study.objective import check_comparable, check_measurable
from dqn_exp.study.parts import SamplerFactory, build_pruner, compares_seeds, is_active
from dqn_exp.study.plan import Extender, StudyPlan
from dqn_exp.study.question import changes
from dqn_exp.study.record import horizon_of
from dqn_exp.study.settings import read_confirm, read_objectives, read_settings
from dqn_exp.study.space import CONFIRM_SEEDS, ENVIRONMENT, SEED, read_space
from dqn_exp.study.storage import is_server, printable
from dqn_exp.workers import Engine


def prepare(
    context: HydraContext,
    master: DictConfig,
    overrides: Sequence[Override],
    options: Mapping[str, Any],
    engine: Engine,
) -> StudyPlan:
    """Read and check all options of a study that will run on `engine`; raises ConfigError."""
    own = {key: value for key, value in options.items() if key not in ("sampler", "pruner")}
    settings = read_settings({**own, "study_name": _name_as_written(own["study_name"], master)})
    if read_groups(overrides, master):
        raise ConfigError("zip pairs the axes of a plain sweep; allowed in a study: zip=[]")
    space = read_space(overrides, master)
    seeds = space.replicates.get(SEED, (int(master.seed),))
    environments = read_environments(master, context.config_loader.get_group_options(ENVIRONMENT))
    refuse_choice(space.written, environments)
    refuse_single_environment_keys(space, master, environments)
    objectives = tuple(read_objectives(master, settings.direction, is_normalised=bool(environments)))
    extend = _extender(settings.custom_search_space)
    if not space.distributions and extend is None:
        raise ConfigError(
            "the search space is empty: hydra.sweeper.params and the command line give several values "
            "to no key; allowed: 'lr=tag(log,interval(1e-4,1e-2))', batch=32,64,128 and the like, or "
            "sweeps=tune_cartpole"
        )
    composer = Planner(context.config_loader, master, engine.trains_here)
    defaults = {
        name: composer.plan([space.overrides({}, seed, name) for seed in seeds])[0].config
        for name in environments or ("",)
    }
    plan = StudyPlan(
        master,
        context.config_loader,
        composer,
        settings,
        space,
        seeds,
        environments,
        objectives,
        read_confirm(master, space.replicates.get(CONFIRM_SEEDS), seeds),
        SamplerFactory(options["sampler"]),
        options["pruner"],
        extend,
        defaults,
    )
    _check(plan, engine)
    return plan


def _check(plan: StudyPlan, engine: Engine) -> None:
    for config in plan.defaults.values():
        check_measurable(config, plan.objectives)
    if plan.environments:
        check_scales(plan.defaults)
    plan.samplers.check(len(plan.objectives))
    pruner = build_pruner(plan.pruner, horizon_of(plan.default))
    prunes = is_active(pruner)
    if prunes and len(plan.objectives) > 1:
        raise ConfigError("hydra/sweeper/pruner: allowed with several objectives: none")
    if prunes and not engine.can_prune:
        raise ConfigError(
            "hydra/sweeper/pruner works with hydra/launcher=parallel, dask, ray and slurm: the jobs of other "
            "launchers report no evaluations; allowed: hydra/sweeper/pruner=none"
        )
    check_init_from_visible(plan.defaults.values(), engine.shares_files)
    if prunes and not engine.shares_files and not is_server(plan.location):
        raise ConfigError(
            f"hydra.launcher.shared=false: workers cannot reach {printable(plan.location)}, to which "
            f"a study that prunes reports evaluations; allowed: hydra/sweeper/pruner=none, or "
            f"hydra.sweeper.storage=postgresql://user@host/database"
        )
    if prunes and not compares_seeds(pruner):
        for config in plan.defaults.values():
            check_comparable(config)
    if plan.samplers.is_grid:
        plan.space.grid()
        if plan.settings.start:
            raise ConfigError(
                "hydra.sweeper.start: the grid sampler tries all combinations in its own order; allowed: "
                "another hydra/sweeper/sampler, or no start"
            )
    _check_points(plan, plan.start)
    _check_points(plan, plan.space.extremes(np.random.default_rng(0)))
    _check_directory(plan)


def _check_points(plan: StudyPlan, points: Sequence[Mapping[str, Any]]) -> None:
    """Raise ConfigError for points that would fail during the search: invalid or incompatible values."""
    for point in points:
        try:
            planned = plan.plan(point, plan.seeds[:1])
        except ConfigError as error:
            raise ConfigError(
                f"{error}\nallowed: a search space in which every combination is valid"
            ) from None
        plan.planner.refuse_several_directories(planned)


def extreme_configs(plan: StudyPlan) -> list[Config]:
    """The configurations at the ends of the search space, in every environment."""
    points = plan.space.extremes(np.random.default_rng(0))
    return [planned.config for point in points for planned in plan.plan(point, plan.seeds[:1])]


def check_outlook(plan: StudyPlan, at_a_time: int | None) -> None:
    """Print warnings about doubtful settings at the ends of the search space.

    Raises ConfigError if the memory is too small. at_a_time: the number of proposals at a time on this
    machine, each with all of its trials; None if unknown.
    """
    configs = extreme_configs(plan)
    if at_a_time:
        n_trials = min(at_a_time, plan.total) * len(plan.repetitions(plan.seeds))
        check_memory([max(configs, key=bytes_of_replay)] * n_trials, n_trials)
    print_doubts(configs)


def _check_directory(plan: StudyPlan) -> None:
    manifest = read_manifest(plan.directory) or {"fingerprint": plan.fingerprint}
    if manifest.get("fingerprint") != plan.fingerprint:
        changed = f": {changes(manifest['question'], plan.question)}" if "question" in manifest else ""
        raise ConfigError(
            f"{plan.directory} contains a different sweep or study{changed}; allowed: another directory "
            f"(hydra.sweep.dir=...) or, for a study, another hydra.sweeper.study_name"
        )


def _name_as_written(name: object, master: DictConfig) -> object:
    """The study's name as typed: Hydra reads a name such as 2024_01 as the number 202401."""
    if not isinstance(name, int | float) or isinstance(name, bool):
        return name
    key = "hydra.sweeper.study_name="
    written = [o.removeprefix(key) for o in master.hydra.overrides.hydra if o.startswith(key)]
    return written[-1] if written else str(name)


def _extender(path: str | None) -> Extender | None:
    if path is None:
        return None
    try:
        extender: Extender = get_method(path)
    except Exception as error:
        raise ConfigError(
            f"hydra.sweeper.custom_search_space={path}: {str(error).splitlines()[-1]}; allowed: "
            f"module.function, called with the configuration and the optuna trial"
        ) from None
    return extender
