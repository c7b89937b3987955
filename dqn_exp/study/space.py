"""The search space of a study: convert overrides in Hydra's syntax to Optuna's distributions and back."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, Trial

from dqn_exp.config import ConfigError, group_key, grouped, parse_size, unknown
from dqn_exp.launch import NO_AXES, SEEDS, axis_values, meaning, range_values
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

    def meant(self, params: Params, may_have_more: bool = False) -> dict[str, Any]:
        """`params` of a queued trial in the form of the distributions; raises ConfigError if not allowed.

        may_have_more: whether keys outside the space are allowed.
        """
        params = {group_key(key): value for key, value in params.items()}
        found = dict(params)
        for key, value in params.items():
            if key in self.distributions:
                found[key] = _meant(key, self.distributions[key], value)
            elif not may_have_more:
                raise unknown("the search space", key, self.distributions)
        return found

    def refuse_outside(self, params: Params) -> None:
        """Raise ConfigError if a number of `params` is outside the searched range."""
        for key, value in params.items():
            match self.distributions.get(key):
                case IntDistribution(low=low, high=high) | FloatDistribution(low=low, high=high):
                    if not low <= value <= high:
                        raise ConfigError(f"{key}={value}: allowed: {low} to {high}")

    def extremes(self, rng: np.random.Generator) -> list[dict[str, Any]]:
        """Combinations of lowest, highest and categorical values: all of them, or `LIMIT` drawn ones."""
        values = [_ends(distribution) for distribution in self.distributions.values()]
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


def distribution(key: str, override: Override, defaults: DictConfig) -> BaseDistribution:
    """The distribution of one searched key; raises ConfigError if Optuna cannot search the values."""
    sweep = override.value()
    try:
        if isinstance(sweep, IntervalSweep):
            return _interval(sweep, is_whole(OmegaConf.select(defaults, key.lstrip("+"))))
        if isinstance(sweep, RangeSweep):
            return _range(sweep)
        return CategoricalDistribution(_choices(axis_values(override)))
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(
            f"{override.input_line}: {error}; allowed: choices, range(start,stop,step), "
            f"interval(low,high) with low <= high, int(interval(...)), tag(log,interval(...)) above 0"
        ) from None


def is_whole(value: object) -> bool:
    """Whether a default value is a whole number or a size such as 20k."""
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
        raise ValueError("a bound is not a finite number")
    if (whole or isinstance(low, int)) and low == int(low) and high == int(high):
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(float(low), float(high), log=log)


def _range(sweep: RangeSweep) -> BaseDistribution:
    """The distribution of a range: Hydra's excludes its stop, Optuna's includes its upper end."""
    values = range_values(sweep)
    if not values:
        raise ValueError("the range is empty")
    low, high, log = min(values), max(values), "log" in sweep.tags
    if log and (sweep.step != 1 or isinstance(low, float)):
        raise ValueError("a range on a log scale cannot have a step")
    if isinstance(low, int):
        return IntDistribution(low, int(high), log=log, step=abs(int(sweep.step)))
    return FloatDistribution(low, high, step=abs(sweep.step))


def _choices(texts: list[str]) -> list[Any]:
    """The choices as numbers (sizes too) if all of them are numbers; otherwise as texts."""
    if not texts:
        raise ValueError("there is no choice")
    for convert in (parse_size, float):
        try:
            return [convert(text) for text in texts]
        except ValueError:
            continue
    return texts


def typed(distribution: BaseDistribution) -> BaseDistribution:
    """Convert choices such as null, true and 10 to their values, for readers of the study.

    Lists stay texts. All choices stay texts if two of them would be equal, such as true and 1.
    """
    if not isinstance(distribution, CategoricalDistribution):
        return distribution
    values = list(map(_typed_choice, distribution.choices))
    equal = len(set(values)) < len(set(distribution.choices))
    return distribution if equal else CategoricalDistribution(values)


def _typed_choice(choice: Any) -> Any:
    words = {"null": None, "true": True, "false": False}
    if not isinstance(choice, str):
        return choice
    if choice.lower() in words:
        return words[choice.lower()]
    return _choices([choice])[0]


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
    return [on_grid(distribution, distribution.low + index * distribution.step) for index in range(count)]


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


def _meant(key: str, distribution: BaseDistribution, value: Any) -> Any:
    """`value` in the form of `distribution`: "[64,64]" for [64,64], "null" for None, 17000 for "17k"."""
    if isinstance(distribution, CategoricalDistribution):
        found = [choice for choice in distribution.choices if _typed(choice) == _typed(value)]
        if not found:
            allowed = ", ".join(map(to_text, distribution.choices))
            raise ConfigError(f"{key}={to_text(value)}: allowed: {allowed}")
        return found[0]
    try:
        return parse_size(value) if isinstance(distribution, IntDistribution) else float(value)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{key}={value}: {error}; allowed: a number") from None


def _typed(value: Any) -> str:
    """A text that is equal for all spellings of one value in an override."""
    if isinstance(value, str):
        with suppress(HydraException):
            value = OverridesParser.create().parse_override(f"value={value}").value()
    return repr(meaning(value))


def to_text(value: object) -> str:
    """A parameter as the right-hand side of an override."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return repr(value)
    return str(value)


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
