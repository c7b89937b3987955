"""The search space of a study: searched keys with their distributions, fixed values, and repetitions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial

from dqn_exp.config import ConfigError, group_key, grouped, parse_size, unknown
from dqn_exp.launch import NO_AXES, SEEDS
from dqn_exp.plan import axis_values
from dqn_exp.study.distributions import choices, distribution, ends, in_form_of, to_text, typed
from dqn_exp.study.storage import on_grid

Params = Mapping[str, Any]
SEED, CONFIRM_SEEDS, ENVIRONMENT = "seed", "confirm.seeds", "env"
REPLICATES = (SEED, CONFIRM_SEEDS)
"""Keys whose values are repetitions of every proposal and are not searched."""
OF_THE_STUDY = ("objective", "confirm", "report", "zip", "reuse", "shard", "dry_run")
"""Keys that determine what a study does, not what its trials do."""
LIMIT = 100
"""The most combinations of extreme values that are checked before a study starts."""


class Repetition(NamedTuple):
    """The seed and environment of one of the trials that score a configuration."""

    seed: int
    environment: str = ""
    """An option of `env=`; empty if a study has only one environment."""

    @property
    def name(self) -> str:
        """The name of its directory."""
        return f"env={self.environment},seed={self.seed}" if self.environment else f"seed={self.seed}"


@dataclass(frozen=True)
class Space:
    """Distributions by key, overrides that all proposals share, and the values of `REPLICATES`."""

    distributions: Mapping[str, BaseDistribution]
    fixed: tuple[str, ...]
    replicates: Mapping[str, tuple[int, ...]]
    written: Mapping[str, BaseDistribution]
    """The distributions as written: choices are texts unless all of them are numbers."""

    def as_stored(self, trials: Sequence[FrozenTrial]) -> Space:
        """This space, with choices as texts where `trials` of an earlier version store them as texts.

        All trials of a study must use the same form.
        """
        stored = {key: known for trial in trials for key, known in trial.distributions.items()}
        as_text = {key: d for key, d in self.written.items() if stored.get(key) == d}
        return replace(self, distributions={**self.distributions, **as_text})

    def overrides(self, params: Params, seed: int, environment: str = "") -> list[str]:
        """The overrides of one trial of a proposal, for a `Repetition`."""
        known = self.distributions
        values = {key: on_grid(known[key], value) if key in known else value for key, value in params.items()}
        chosen = [f"{ENVIRONMENT}={environment}"] if environment else []
        searched = [grouped(f"{key}={to_text(value)}") for key, value in values.items()]
        return [*chosen, *self.fixed, *searched, f"seed={seed}"]

    def grid(self) -> list[dict[str, Any]]:
        """Every combination of values; the last key changes fastest. Raises ConfigError for an interval."""
        values = [choices(key, d) for key, d in self.distributions.items()]
        return [dict(zip(self.distributions, point, strict=True)) for point in itertools.product(*values)]

    def converted(self, params: Params, may_have_more: bool = False) -> dict[str, Any]:
        """`params` of a queued trial in the form of the distributions; raises ConfigError if not allowed.

        may_have_more: whether keys outside the space are allowed.
        """
        params = {group_key(key): value for key, value in params.items()}
        converted = dict(params)
        for key, value in params.items():
            if key in self.distributions:
                converted[key] = in_form_of(key, self.distributions[key], value)
            elif not may_have_more:
                raise unknown("the search space", key, self.distributions)
        return converted

    def refuse_outside(self, params: Params) -> None:
        """Raise ConfigError if a number of `params` is outside the searched range."""
        for key, value in params.items():
            match self.distributions.get(key):
                case IntDistribution(low=low, high=high) | FloatDistribution(low=low, high=high):
                    if not low <= value <= high:
                        raise ConfigError(f"{key}={value}: allowed: {low} to {high}")

    def extremes(self, rng: np.random.Generator) -> list[dict[str, Any]]:
        """Combinations of lowest, highest and categorical values: all of them, or `LIMIT` drawn ones."""
        values = [ends(distribution) for distribution in self.distributions.values()]
        if math.prod(map(len, values)) <= LIMIT:
            points = list(itertools.product(*values))
        else:
            points = [tuple(v[rng.integers(len(v))] for v in values) for _ in range(LIMIT)]
        return [dict(zip(self.distributions, point, strict=True)) for point in points]


def read_space(overrides: Sequence[Override], defaults: DictConfig) -> Space:
    """The space of `overrides`, of which later ones replace earlier; `defaults` tells integer keys."""
    latest = {override.get_key_element(): override for override in overrides}
    written, fixed, replicates = {}, [], {}
    for key, override in latest.items():
        if key in REPLICATES:
            replicates[key] = _whole_numbers(key, override)
        elif key.partition(".")[0] == SEEDS:
            raise ConfigError(
                f"{override.input_line} applies to plain sweeps; allowed in a study: 'seed=range(5)'"
            )
        elif override.is_sweep_override() and key.partition(".")[0] in (*OF_THE_STUDY, *NO_AXES):
            raise ConfigError(
                f"{override.input_line}: it applies to the whole study; allowed: one value, or a list: [a,b]"
            )
        elif key.partition(".")[0] in OF_THE_STUDY:
            continue
        elif override.is_sweep_override():
            written[key] = distribution(key, override, defaults)
        else:
            fixed.append(f"{key}={override.get_value_element_as_str()}")
    return Space({key: typed(d) for key, d in written.items()}, tuple(fixed), replicates, written)


def _whole_numbers(key: str, override: Override) -> tuple[int, ...]:
    value = override.value()
    texts: list[Any] = value if isinstance(value, list) else [value]
    if override.is_sweep_override():
        if not override.is_discrete_sweep():
            raise ConfigError(f"{override.input_line}: allowed: whole numbers, such as '{key}=range(5)'")
        texts = list(axis_values(override))
    return whole_numbers(key, texts)


def whole_numbers(key: str, values: Sequence[object]) -> tuple[int, ...]:
    """Seeds: different whole numbers >= 0, at least one."""
    try:
        numbers = tuple(parse_size(value) for value in values)
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < 0 or len(set(numbers)) < len(numbers):
        listed = ",".join(map(str, values))
        raise ConfigError(f"{key}={listed}: allowed: different whole numbers >= 0, such as '{key}=range(5)'")
    return numbers
