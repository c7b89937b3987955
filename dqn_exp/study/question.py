"""The question of a study as texts by key, and the differences between two questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from dqn_exp.config import SHORT_NAMES, Config, flat

Question = Mapping[str, str]
"""The searched values, the seeds, the objectives and every value of the configuration, by key."""


def question(
    searched: Mapping[str, BaseDistribution],
    seeds: Sequence[int],
    objectives: Sequence[str],
    bases: Sequence[Config],
) -> dict[str, str]:
    """The question of a study with the base configurations `bases`, one for each environment."""
    searched = {key.lstrip("+"): distribution for key, distribution in searched.items()}
    fixed: dict[str, list[str]] = {}
    for base in bases:
        for key, value in flat(base.content()):
            fixed.setdefault(SHORT_NAMES.get(key, key), []).append(str(value))
    values = {key: " / ".join(dict.fromkeys(each)) for key, each in fixed.items() if key not in searched}
    values |= {key: _written(distribution) for key, distribution in searched.items()}
    return {**values, "seed": ",".join(map(str, seeds)), "objective": ",".join(objectives)}


def changes(before: Question, now: Question) -> str:
    """The differences, key by key, such as "gamma=0.5 (was 0.99)"."""
    changed = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    return ", ".join(
        (f"{key}={now[key]}" if key in now else f"{key} is gone")
        + (f" (was {before[key]})" if key in before else " (is new)")
        for key in changed
    )


def _written(distribution: BaseDistribution) -> str:
    """A distribution in the syntax of the command line."""
    if isinstance(distribution, CategoricalDistribution):
        return ",".join(map(str, distribution.choices))
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    low, high, step = distribution.low, distribution.high, distribution.step
    if step not in (None, 1):
        return f"range({low},{Decimal(repr(high)) + Decimal(repr(step))},{step})"
    text = f"interval({low},{high})"
    if isinstance(distribution, IntDistribution):
        text = f"int({text})"
    return f"tag(log,{text})" if distribution.log else text
