"""A study that is ready to start: its search space, seeds, objectives, name and place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import optuna
from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig
from optuna.distributions import distribution_to_json
from optuna.trial import FrozenTrial

from dqn_exp.config import Config, ConfigError
from dqn_exp.plan import PlannedTrial, Planner
from dqn_exp.study.environments import (
    OVER,
)
from dqn_exp.study.objective import Objective
from dqn_exp.study.parts import Options, SamplerFactory
from dqn_exp.study.question import question
from dqn_exp.study.settings import Confirm, StudySettings
from dqn_exp.study.space import Repetition, Space
from dqn_exp.study.storage import locate

Extender = Callable[[DictConfig, optuna.Trial], None]


@dataclass(frozen=True)
class StudyPlan:
    """A study that is ready to start."""

    master: DictConfig
    loader: ConfigLoader
    planner: Planner
    settings: StudySettings
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
            points = [self.space.converted(point, may_have_more) for point in self.settings.start]
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
        values = question(self.space.written, self.seeds, self._goals, list(self.defaults.values()))
        if self.environments:
            ends = (str(config.returns.random) for config in self.defaults.values())
            values |= {OVER: ",".join(self.environments), "returns.random": " / ".join(ends)}
        return {**values, "hydra.sweeper.custom_search_space": str(self.settings.custom_search_space)}

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

    def continuing(self, trials: Sequence[FrozenTrial]) -> StudyPlan:
        """This plan, adapted to a study that already has `trials`."""
        return replace(self, space=self.space.as_stored(trials))

    def compose(self, overrides: Sequence[str]) -> DictConfig:
        """The unchecked configuration of only these overrides, with the study's choices of Hydra's groups."""
        choices = self.master.hydra.runtime.choices.items()
        own = [f"{g}={choice}" for g, choice in choices if str(g).startswith("hydra/") and choice is not None]
        return self.loader.load_sweep_config(self.master, [*own, *overrides])
