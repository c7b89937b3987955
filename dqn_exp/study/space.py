"""What a study searches: overrides in Hydra's syntax, as Optuna's distributions and back."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from omegaconf import DictConfig, OmegaConf
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import Trial

from dqn_exp.config import ConfigError, parse_size

Params = Mapping[str, Any]
SEED, CONFIRM_SEEDS = "seed", "confirm.seeds"
REPLICATES = (SEED, CONFIRM_SEEDS)
"""Keys whose values are repetitions of every proposal, not an axis of the search."""
OF_THE_STUDY = ("objective", "confirm", "report", "zip", "dry_run")
"""Keys that say what a study does, and nothing about its trials."""
LIMIT = 100
"""Combinations of extreme values that are checked before a study starts."""


@dataclass(frozen=True)
class Space:
    """Distributions by key, overrides that every proposal shares, and the replicates."""

    distributions: Mapping[str, BaseDistribution]
    fixed: tuple[str, ...]
    replicates: Mapping[str, tuple[int, ...]]

    def overrides(self, params: Params, seed: int) -> list[str]:
        """The command line of one trial of a proposal."""
        return [*self.fixed, *(f"{key}={to_text(value)}" for key, value in params.items()), f"seed={seed}"]

    def grid(self) -> list[dict[str, Any]]:
        """Every combination, the last key changing fastest; raises ConfigError for an interval."""
        values = [choices(key, d) for key, d in self.distributions.items()]
        return [dict(zip(self.distributions, point, strict=True)) for point in itertools.product(*values)]

    def extremes(self, rng: np.random.Generator) -> list[dict[str, Any]]:
        """Combinations of least, greatest and chosen values: all of them, or `LIMIT` drawn ones."""
        values = [_ends(distribution) for distribution in self.distributions.values()]
        if math.prod(map(len, values)) <= LIMIT:
            points = list(itertools.product(*values))
        else:
            points = [tuple(v[rng.integers(len(v))] for v in values) for _ in range(LIMIT)]
        return [dict(zip(self.distributions, point, strict=True)) for point in points]


def read_space(overrides: Sequence[Override], defaults: DictConfig) -> Space:
    """`overrides` with later ones replacing earlier; `defaults` tells which keys are whole numbers."""
    latest = {override.get_key_element(): override for override in overrides}
    distributions, fixed, replicates = {}, [], {}
    for key, override in latest.items():
        if key in REPLICATES:
            replicates[key] = _whole_numbers(key, override)
        elif override.is_sweep_override():
            distributions[key] = distribution(key, override, defaults)
        elif key.partition(".")[0] not in OF_THE_STUDY:
            fixed.append(f"{key}={override.get_value_element_as_str()}")
    return Space(distributions, tuple(fixed), replicates)


def distribution(key: str, override: Override, defaults: DictConfig) -> BaseDistribution:
    """One searched key; raises ConfigError where Optuna cannot search what is written."""
    sweep = override.value()
    try:
        if isinstance(sweep, IntervalSweep):
            return _interval(sweep, is_whole(OmegaConf.select(defaults, key.lstrip("+"))))
        if isinstance(sweep, RangeSweep):
            return _range(sweep)
        return CategoricalDistribution(_choices(list(override.sweep_string_iterator())))
    except ValueError as error:
        raise ConfigError(
            f"{override.input_line}: {error}; allowed: choices, range(start,stop,step), "
            f"interval(low,high) with low <= high, int(interval(...)), tag(log, interval(...)) above 0"
        ) from None


def is_whole(value: object) -> bool:
    """Is this default a whole number, or a size such as 20k?"""
    if not isinstance(value, int | str) or isinstance(value, bool):
        return False
    try:
        parse_size(value)
    except ValueError:
        return False
    return True


def _interval(sweep: IntervalSweep, whole: bool) -> BaseDistribution:
    low, high, log = sweep.start, sweep.end, "log" in sweep.tags
    if low is None or high is None or not math.isfinite(low) or not math.isfinite(high):
        raise ValueError("an end is not a finite number")
    if (whole or isinstance(low, int)) and low == int(low) and high == int(high):
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(float(low), float(high), log=log)


def _range(sweep: RangeSweep) -> BaseDistribution:
    """Hydra's range leaves its stop out; Optuna's includes it."""
    values = list(sweep.range())
    if not values:
        raise ValueError("the range is empty")
    low, high = min(values), max(values)
    if all(isinstance(value, int) for value in values):
        log = "log" in sweep.tags
        return IntDistribution(int(low), int(high), log=log, step=1 if log else abs(int(sweep.step)))
    return FloatDistribution(low, high, step=abs(sweep.step))


def _choices(texts: list[str]) -> list[Any]:
    """Numbers as numbers (sizes too), where all of them are; otherwise the text of the override."""
    if not texts:
        raise ValueError("nothing to choose from")
    for convert in (parse_size, float):
        try:
            return [convert(text) for text in texts]
        except ValueError:
            continue
    return texts


def choices(key: str, distribution: BaseDistribution) -> list[Any]:
    """All values of a discrete distribution."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    if isinstance(distribution, IntDistribution):
        return list(range(distribution.low, distribution.high + 1, distribution.step))
    assert isinstance(distribution, FloatDistribution)
    if distribution.step is None:
        raise ConfigError(
            f"{key}: the grid sampler cannot enumerate an interval; allowed: choices or range(...)"
        )
    count = round((distribution.high - distribution.low) / distribution.step) + 1
    return [distribution.low + index * distribution.step for index in range(count)]


def suggest(trial: Trial, key: str, distribution: BaseDistribution) -> None:
    if isinstance(distribution, CategoricalDistribution):
        trial.suggest_categorical(key, distribution.choices)
    elif isinstance(distribution, IntDistribution):
        d = distribution
        trial.suggest_int(key, d.low, d.high, step=d.step, log=d.log)
    else:
        assert isinstance(distribution, FloatDistribution)
        trial.suggest_float(
            key, distribution.low, distribution.high, step=distribution.step, log=distribution.log
        )


def to_text(value: object) -> str:
    """A parameter as the right-hand side of an override."""
    if value is None:
        return "null"
    return repr(value) if isinstance(value, float) else str(value)


def _ends(distribution: BaseDistribution) -> list[Any]:
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    return list(dict.fromkeys([distribution.low, distribution.high]))


def _whole_numbers(key: str, override: Override) -> tuple[int, ...]:
    value = override.value()
    texts: list[Any] = value if isinstance(value, list) else [value]
    if override.is_sweep_override():
        if not override.is_discrete_sweep():
            raise ConfigError(f"{override.input_line}: allowed: whole numbers, such as {key}=range(5)")
        texts = list(override.sweep_string_iterator())
    return whole_numbers(key, texts)


def whole_numbers(key: str, values: Sequence[object]) -> tuple[int, ...]:
    """Seeds: different whole numbers >= 0, at least one."""
    try:
        numbers = tuple(parse_size(value) for value in values)
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < 0 or len(set(numbers)) < len(numbers):
        listed = ",".join(map(str, values))
        raise ConfigError(f"{key}={listed}: allowed: different whole numbers >= 0, such as {key}=range(5)")
    return numbers
