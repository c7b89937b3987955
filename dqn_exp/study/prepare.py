"""Prepare a study from the command line: check everything, write nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.types import Override
from hydra.types import HydraContext
from hydra.utils import get_method
from omegaconf import DictConfig
from optuna.distributions import distribution_to_json
from optuna.trial import FrozenTrial

from dqn_exp.config import Config, ConfigError
from dqn_exp.launch import (
    MANIFEST,
    PlannedTrial,
    Planner,
    bytes_of_replay,
    check_memory,
    check_seen,
    planner,
    read_groups,
    tell_doubts,
)
from dqn_exp.runs import read_json
from dqn_exp.study.environments import (
    OVER,
    check_scales,
    read_environments,
    refuse_choice,
    refuse_what_is_of_one,
)
from dqn_exp.study.objective import Objective, check_comparable, check_measurable, horizon_of
from dqn_exp.study.parts import Options, SamplerFactory, build_pruner, compares_seeds, is_active
from dqn_exp.study.question import changes, question
from dqn_exp.study.settings import Confirm, Settings, read_confirm, read_objectives, read_settings
from dqn_exp.study.space import CONFIRM_SEEDS, ENVIRONMENT, SEED, Repetition, Space, read_space
from dqn_exp.study.storage import is_server, locate, printable

Extender = Callable[[DictConfig, optuna.Trial], None]


@dataclass(frozen=True)
class Plan:
    """A study that is ready to start."""

    master: DictConfig
    loader: ConfigLoader
    planner: Planner
    settings: Settings
    space: Space
    seeds: tuple[int, ...]
    environments: tuple[str, ...]
    """The environments of `objective.over`; empty if a study has only the one of `env=`."""
    objectives: tuple[Objective, ...]
    confirm: Confirm
    samplers: SamplerFactory
    pruner: Options
    extend: Extender | None
    defaults: Mapping[str, Config]
    """The configuration without the searched parameters and with the first seed, by environment."""

    @property
    def default(self) -> Config:
        """The default of the first environment, whose clock is used to compare running proposals."""
        return next(iter(self.defaults.values()))

    def repetitions(self, seeds: Sequence[int]) -> list[Repetition]:
        """The seed and environment of each trial of a configuration with these seeds.

        Environments change fastest, so a proposal pruned after some seeds has been seen in all environments.
        """
        return [Repetition(seed, name) for seed in seeds for name in self.environments or ("",)]

    def plan(self, params: Mapping[str, Any], seeds: Sequence[int]) -> list[PlannedTrial]:
        """The trials of a configuration with these seeds, as `repetitions` orders them."""
        repetitions = self.repetitions(seeds)
        return self.planner.plan([self.space.overrides(params, *each) for each in repetitions])

    @cached_property
    def total(self) -> int:
        """The number of proposals of the study, over all processes and starts."""
        grid = len(self.space.grid()) if self.samplers.is_grid else self.settings.n_trials
        return min(grid, self.settings.n_trials)

    @property
    def most_trials(self) -> int:
        """The most trials of the search and its confirmation, without those of failed proposals."""
        confirmed = self.confirm.top + 1 if self.confirm.top else 0
        of_search = self.total * len(self.repetitions(self.seeds))
        return of_search + confirmed * len(self.repetitions(self.confirm.seeds))

    @cached_property
    def points(self) -> dict[str, dict[str, Any]]:
        """The points that are tried before a sampler is asked, by the key of each point in the storage."""
        if self.samplers.is_grid:
            return {f"grid:{index}": point for index, point in enumerate(self.space.grid())}
        return {f"start:{json.dumps(point, sort_keys=True)}": point for point in self.start}

    @cached_property
    def start(self) -> list[dict[str, Any]]:
        """The points of `hydra.sweeper.start`; raises ConfigError if one is outside the search space."""
        may_have_more = self.extend is not None
        try:
            points = [self.space.meant(point, may_have_more) for point in self.settings.start]
            for point in points:
                self.space.refuse_outside(point)
        except ConfigError as error:
            raise ConfigError(f"hydra.sweeper.start: {error}") from None
        return points

    @cached_property
    def identity(self) -> dict[str, str]:
        """What must not change when a study is continued, as texts for comparison."""
        space = {key: distribution_to_json(d) for key, d in self.space.written.items()}
        return {
            "search space": json.dumps(space, sort_keys=True) + str(self.settings.custom_search_space or ""),
            "seed": ",".join(map(str, self.seeds)),
            "objective": ", ".join(self._goals) + self._over,
            "base configuration": " ".join(map(self._content, self.defaults.values())),
        }

    def _content(self, config: Config) -> str:
        """A text that identifies everything that determines the scores of trials of this configuration."""
        content = config.model_copy(update={"seed": 0}).hash()
        scale = [objective.measure.ends(config) for objective in self.objectives if objective.is_normalised]
        return f"{content} {scale}" if scale else content

    @property
    def _over(self) -> str:
        return f" over {', '.join(self.environments)}" if self.environments else ""

    @property
    def _goals(self) -> list[str]:
        return [f"{objective.name} ({objective.aggregate.value})" for objective in self.objectives]

    @cached_property
    def question(self) -> dict[str, str]:
        """As `identity`, but key by key, for messages about what has changed."""
        asked = question(self.space.written, self.seeds, self._goals, list(self.defaults.values()))
        if self.environments:
            ends = (str(config.returns.random) for config in self.defaults.values())
            asked |= {OVER: ",".join(self.environments), "returns.random": " / ".join(ends)}
        return {**asked, "hydra.sweeper.custom_search_space": str(self.settings.custom_search_space)}

    @cached_property
    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()[:12]

    @cached_property
    def name(self) -> str:
        """The given name, or one made from the fingerprint, which the same command finds again."""
        sweep = self.master.hydra.runtime.choices.get("sweeps") or "study"
        return self.settings.study_name or f"{sweep}-{self.fingerprint[:8]}"

    @cached_property
    def directory(self) -> Path:
        chosen = Path(self.master.hydra.sweep.dir)
        if any(o.startswith("hydra.sweep.dir=") for o in self.master.hydra.overrides.hydra):
            return chosen
        name = self.name
        if self.settings.storage is not None:  # it may contain another study of this name
            name += f"-{hashlib.sha256(self.settings.storage.encode()).hexdigest()[:6]}"
        return chosen.parent.parent / "studies" / name

    @cached_property
    def location(self) -> str:
        return locate(self.settings.storage, self.directory)

    def continuing(self, trials: Sequence[FrozenTrial]) -> Plan:
        """This plan, adapted to a study that already has `trials`."""
        return replace(self, space=self.space.as_stored(trials))

    def compose(self, overrides: Sequence[str]) -> DictConfig:
        """The unchecked configuration of only these overrides, with the study's choices of Hydra's groups."""
        choices = self.master.hydra.runtime.choices.items()
        own = [f"{g}={choice}" for g, choice in choices if str(g).startswith("hydra/") and choice is not None]
        return self.loader.load_sweep_config(self.master, [*own, *overrides])


def prepare(
    context: HydraContext,
    master: DictConfig,
    overrides: Sequence[Override],
    options: Mapping[str, Any],
    can_prune: bool,
    shares_files: bool = True,
) -> Plan:
    """Read and check all options of a study; raises ConfigError.

    `can_prune`: whether the engine supports pruners. `shares_files`: whether its tasks see the files of this
    machine.
    """
    own = {key: value for key, value in options.items() if key not in ("sampler", "pruner")}
    settings = read_settings({**own, "study_name": _name_as_written(own["study_name"], master)})
    if read_groups(overrides, master):
        raise ConfigError("zip pairs the axes of a plain sweep; allowed in a study: zip=[]")
    space = read_space(overrides, master)
    seeds = space.replicates.get(SEED, (int(master.seed),))
    environments = read_environments(master, context.config_loader.get_group_options(ENVIRONMENT))
    refuse_choice(space.written, environments)
    refuse_what_is_of_one(space, master, environments)
    objectives = tuple(read_objectives(master, settings.direction, is_normalised=bool(environments)))
    extend = _extender(settings.custom_search_space)
    if not space.distributions and extend is None:
        raise ConfigError(
            "the search space is empty: hydra.sweeper.params and the command line give several values "
            "to no key; allowed: 'lr=tag(log,interval(1e-4,1e-2))', batch=32,64,128 and the like, or "
            "sweeps=tune_cartpole"
        )
    composer = planner(context, master)
    defaults = {
        name: composer.plan([space.overrides({}, seed, name) for seed in seeds])[0].config
        for name in environments or ("",)
    }
    plan = Plan(
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
    _check(plan, can_prune, shares_files)
    return plan


def _check(plan: Plan, can_prune: bool, shares_files: bool) -> None:
    for config in plan.defaults.values():
        check_measurable(config, plan.objectives)
    if plan.environments:
        check_scales(plan.defaults)
    plan.samplers.check(len(plan.objectives))
    pruner = build_pruner(plan.pruner, horizon_of(plan.default))
    prunes = is_active(pruner)
    if prunes and len(plan.objectives) > 1:
        raise ConfigError("hydra/sweeper/pruner: allowed with several objectives: none")
    if prunes and not can_prune:
        raise ConfigError(
            "hydra/sweeper/pruner works with hydra/launcher=parallel, dask, ray and slurm: the jobs of other "
            "launchers report no evaluations; allowed: hydra/sweeper/pruner=none"
        )
    check_seen(plan.defaults.values(), shares_files)
    if prunes and not shares_files and not is_server(plan.location):
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


def _check_points(plan: Plan, points: Sequence[Mapping[str, Any]]) -> None:
    """Raise ConfigError for points that would fail during the search: invalid or incompatible values."""
    for point in points:
        try:
            planned = plan.plan(point, plan.seeds[:1])
        except ConfigError as error:
            raise ConfigError(
                f"{error}\nallowed: a search space in which every combination is valid"
            ) from None
        plan.planner.refuse_scattered(planned)


def extreme_configs(plan: Plan) -> list[Config]:
    """The configurations at the ends of the search space, in every environment."""
    points = plan.space.extremes(np.random.default_rng(0))
    return [planned.config for point in points for planned in plan.plan(point, plan.seeds[:1])]


def check_outlook(plan: Plan, at_a_time: int | None) -> None:
    """Print warnings about doubtful settings at the ends of the search space.

    Raises ConfigError if the memory is too small. at_a_time: the number of proposals at a time on this
    machine, each with all of its trials; None if unknown.
    """
    configs = extreme_configs(plan)
    if at_a_time:
        n_trials = min(at_a_time, plan.total) * len(plan.repetitions(plan.seeds))
        check_memory([max(configs, key=bytes_of_replay)] * n_trials, n_trials)
    tell_doubts(configs)


def _check_directory(plan: Plan) -> None:
    path = plan.directory / MANIFEST
    manifest: dict[str, Any] = read_json(path) if path.exists() else {"fingerprint": plan.fingerprint}
    if manifest.get("fingerprint") != plan.fingerprint:
        told = f": {changes(manifest['question'], plan.question)}" if "question" in manifest else ""
        raise ConfigError(
            f"{plan.directory} contains a different sweep or study{told}; allowed: another directory "
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
        found: Extender = get_method(path)
    except Exception as error:
        raise ConfigError(
            f"hydra.sweeper.custom_search_space={path}: {str(error).splitlines()[-1]}; allowed: "
            f"module.function, called with the configuration and the optuna trial"
        ) from None
    return found
