"""The values of one searched key: convert Hydra's overrides to Optuna's distributions and back."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

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
from optuna.trial import Trial

from dqn_exp.config import ConfigError, parse_size
from dqn_exp.plan import axis_values, meaning, range_values
from dqn_exp.study.storage import on_grid


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


def in_form_of(key: str, distribution: BaseDistribution, value: Any) -> Any:
    """`value` in the form of `distribution`: "[64,64]" for [64,64], "null" for None, 17000 for "17k"."""
    if isinstance(distribution, CategoricalDistribution):
        matching = [choice for choice in distribution.choices if _typed(choice) == _typed(value)]
        if not matching:
            allowed = ", ".join(map(to_text, distribution.choices))
            raise ConfigError(f"{key}={to_text(value)}: allowed: {allowed}")
        return matching[0]
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


def ends(distribution: BaseDistribution) -> list[Any]:
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    return list(dict.fromkeys([distribution.low, distribution.high]))
