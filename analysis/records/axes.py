"""The axes of a sweep: the hyperparameters that it varies, and the text of their values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.records.disk import RecordedTrial, Value, natural_key
from analysis.records.imported import PROGRAM, is_partial, with_unknown
from analysis.records.pairs import parts
from analysis.records.rows import Row
from dqn_exp.text import format_value

SHORT = ("buffer", "batch", "update_every", "train_every", "lr", "gamma")
UNITS = {
    "buffer": "replay capacity, transitions",
    "batch": "batch size, transitions",
    "update_every": "target refresh period",
    "train_every": "environment steps per training",
    "lr": "learning rate",
    "gamma": "discount per step",
    "network.hidden": "units per hidden layer",
    "env.id": "environment",
}
ALIASES = ("replay.capacity", "replay.batch_size", "target.every", "optimizer.lr")
"""Dotted names of values that also have a short name; they are not separate values."""
PERIODS = {"episodes", "steps"}
NOT_AXES = ("seed", "report", "returns", "track", "tracking")
"""Keys that are no axis: the seed, and what is known or told of a trial without work in it.

The other keys that do not influence training (`checkpoint`, `metrics`, `video`, `observers`) may be an axis:
they cost time, and an observer may end a trial.
"""


@dataclass(frozen=True)
class Axis:
    """A hyperparameter that varies. `values` are in the order in which reports show them."""

    name: str
    values: tuple[Value, ...]
    unit: str = ""
    companions: tuple[str, ...] = ()
    """Other configuration values that are determined by this one, so their effects cannot be separated."""

    @property
    def numeric(self) -> bool:
        return all(_is_number(value) for value in self.values)

    @property
    def inseparable(self) -> tuple[str, ...]:
        """Companions that are values of their own, not properties of the part that this axis chooses."""
        return () if _names_a_choice(self.name) else self.companions

    @property
    def sortable(self) -> bool:
        """Do other programs sort the values in the same order, and drop none?"""
        return self.numeric or all(isinstance(value, bool) for value in self.values)

    @property
    def title(self) -> str:
        name = "" if self is ALL else self.name
        return f"{name} ({self.unit})" if self.unit else name

    def labels(self) -> list[str]:
        return [self.label(value) for value in self.values]

    def label(self, value: object) -> str:
        return label(self.name, value)

    def plain(self, value: Value) -> Value:
        """`value` as tables hold it. Null and NaN become text, so that they do not read as missing values."""
        return self.label(value) if value is None or value != value else value

    def codes(self, rows: Iterable[Row]) -> NDArray[np.int64]:
        """Index of each row's value in `values`: [rows]."""
        index = {_identity(value): code for code, value in enumerate(self.values)}
        return np.array([index[_identity(row.get(self.name))] for row in rows], dtype=np.int64)


ALL = Axis("configuration", (None,))
"""The axis of a sweep that varies nothing but the seed: one group of trials."""


def find_axes(configs: Sequence[Mapping[str, Value]]) -> list[Axis]:
    """The hyperparameters that vary over `configs`, without those that are determined by another one.

    If a log of another program lacks a value, the value does not count as varying for that reason.
    """
    columns = {name: [config.get(name) for config in configs] for name in _keys(configs)}
    varied = {
        name: codes
        for name, values in columns.items()
        if name.partition(".")[0] not in NOT_AXES and max(codes := _codes(values), default=0) > 0
        if max(_codes(_known_values(name, configs)), default=0) > 0
    }
    chosen: list[str] = []
    for name in sorted(varied, key=_priority):
        if not any(_is_function_of(varied[name], varied[other]) for other in chosen):
            chosen.append(name)
    return [
        Axis(name, _ordered(name, columns), _unit(name, columns), _companions(name, varied, chosen))
        for name in sorted(chosen, key=_display_order)
    ]


def with_unknown_values(trials: Sequence[RecordedTrial]) -> list[RecordedTrial]:
    """`trials`, where imported trials get the value "unknown" on each axis whose value their log lacks."""
    if not any(trial.imported for trial in trials):
        return list(trials)
    configs = [trial.config for trial in trials]
    filled = with_unknown(configs, [axis.name for axis in find_axes(configs)])
    return [replace(trial, config=config) for trial, config in zip(trials, filled, strict=True)]


def _known_values(name: str, configs: Sequence[Mapping[str, Value]]) -> list[Value]:
    """The known values of one key."""
    return [config.get(name) for config in configs if name in config or not is_partial(config)]


def _keys(configs: Sequence[Mapping[str, Value]]) -> list[str]:
    return list(dict.fromkeys(name for config in configs for name in config))


def _codes(values: Sequence[Value]) -> list[int]:
    codes: dict[object, int] = {}
    return [codes.setdefault(_identity(value), len(codes)) for value in values]


def _identity(value: Value) -> object:
    """A key for comparison: unlike `==`, it distinguishes True from 1, and NaN equals itself."""
    return (isinstance(value, bool), "nan" if value != value else value)


def _is_function_of(codes: Sequence[int], others: Sequence[int]) -> bool:
    """Is the first column a function of the second?"""
    return len(set(zip(codes, others, strict=True))) == len(set(others))


def _priority(name: str) -> tuple[int, int]:
    """Of values that vary together, the one with the smallest priority names the axis.

    The order: several values as one, the program that trained, the name of a part, a short name.
    """
    if len(parts(name)) > 1:
        return -2, 0
    if name == PROGRAM:
        return -1, 0
    if _names_a_choice(name):
        return 0, 0
    return (1, SHORT.index(name)) if name in SHORT else (2, 0)


def _names_a_choice(name: str) -> bool:
    """Whether the values of `name` stand for several values: those varied as one, programs, parts."""
    return len(parts(name)) > 1 or name in (PROGRAM, "env.id") or name.endswith(".name")


def _display_order(name: str) -> tuple[int, str]:
    return (SHORT.index(name), "") if name in SHORT else (len(SHORT), name)


def _unit(name: str, columns: Mapping[str, Sequence[Value]]) -> str:
    """The unit of the numbers on the axis; the unit of the target's period is in `target.name`."""
    targets = set(columns.get("target.name", ()))
    counted = ", " + " or ".join(sorted(map(str, targets))) if targets <= PERIODS else ""
    return UNITS.get(name, "") + (counted if name == "update_every" else "")


def _companions(name: str, varied: Mapping[str, Sequence[int]], chosen: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        other
        for other in varied
        if other not in (*chosen, *ALIASES, *parts(name)) and _is_function_of(varied[other], varied[name])
    )


def _ordered(name: str, columns: Mapping[str, Sequence[Value]]) -> tuple[Value, ...]:
    """The sorted values of a column, each once. A column combined of several is sorted by those."""
    absent = [None] * len(columns[name])
    members = zip(*(columns.get(part, absent) for part in parts(name)), strict=True)
    rows = {_identity(value): (value, row) for value, row in zip(columns[name], members, strict=True)}
    return tuple(value for value, row in sorted(rows.values(), key=lambda found: [*map(_sort_key, found[1])]))


def _sort_key(value: Value) -> tuple[int, float, list[tuple[int, float, str]]]:
    if value is None:
        return 0, 0.0, []
    if isinstance(value, int | float):
        return 1, float(value), []
    return 2, 0.0, natural_key(value)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value)


def label(axis_name: str, value: object) -> str:
    """`value` of an axis as text."""
    return "all trials" if axis_name == ALL.name else format_value(value)
