"""The values of one axis, each value once; ranges are computed with exact decimals."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from decimal import Decimal

from hydra.core.override_parser.types import Override, RangeSweep

from dqn_exp.config import ConfigError, parse_size


def axis_values(override: Override, may_repeat: bool = False) -> list[str]:
    """The values of a discrete sweep, as written in overrides.

    Raises ConfigError if a value is given twice, unless `may_repeat`.
    """
    sweep = override.value()
    if isinstance(sweep, RangeSweep):
        texts = [str(value) for value in range_values(sweep)]
    else:
        texts = list(override.sweep_string_iterator())
    if not may_repeat:
        refuse_repeated(override.get_key_element(), texts)
    return texts


def range_values(sweep: RangeSweep) -> list[int | float]:
    """The values from start to stop, without stop: range(0,0.9,0.3) is 0, 0.3 and 0.6.

    Hydra itself adds binary fractions. This gives values such as 0.30000000000000004, and in this example one
    value too many.
    """
    start, stop, step = (Decimal(repr(n)) for n in (sweep.start, sweep.stop, sweep.step))
    if not step:
        raise ConfigError(f"range({start},{stop},{step}): allowed: a step other than 0")
    exact = [start + index * step for index in range(int(max((stop - start) / step, Decimal())) + 1)]
    whole = all(isinstance(n, int) for n in (sweep.start, sweep.stop, sweep.step))
    kind: Callable[[Decimal], int | float] = int if whole else float
    values = [kind(value) for value in exact if (value < stop if step > 0 else value > stop)]
    if sweep.shuffle:
        random.shuffle(values)
    return values


def refuse_repeated(key: str, values: Sequence[object]) -> None:
    """Raise ConfigError if two of `values` mean the same, such as 17k and 17000."""
    texts_by_value: dict[object, object] = {}
    for value in values:
        number = meaning(value)
        if number in texts_by_value:
            earlier = texts_by_value[number]
            twice = (
                f"{value} is given twice" if value == earlier else f"{earlier} and {value} are the same value"
            )
            raise ConfigError(f"{key}={','.join(map(str, values))}: {twice}; allowed: each value once")
        texts_by_value[number] = value


def meaning(value: object) -> object:
    """The number that `value` stands for, or `value` itself if it is not a number."""
    readers: tuple[Callable[[str], object], ...] = (parse_size, float)
    for read in readers:
        try:
            return read(str(value))
        except ValueError:
            continue
    return value
