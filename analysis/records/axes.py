"""Which hyperparameters a sweep varies, and how their values read."""

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
"""The second names of the short ones, which are no values of their own."""
PERIODS = {"episodes", "steps"}
NOT_AXES = ("seed", "report", "returns", "track", "tracking")


@dataclass(frozen=True)
class Axis:
    """A hyperparameter that varies; `values` in the order in which they are shown."""

    name: str
    values: tuple[Value, ...]
    unit: str = ""
    companions: tuple[str, ...] = ()
    """Other configuration values that follow from this one: their effects cannot be told apart."""

    @property
    def numeric(self) -> bool:
        return all(_is_number(value) for value in self.values)

    @property
    def sortable(self) -> bool:
        """Would anybody else put the values into the same order, and leave out none?"""
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
        """`value` as tables hold it: null is a value like others, which must not read as a missing one."""
        return self.label(value) if value is None or value != value else value

    def codes(self, rows: Iterable[Row]) -> NDArray[np.int64]:
        """Index of each row's value in `values`: [rows]."""
        index = {_identity(value): code for code, value in enumerate(self.values)}
        return np.array([index[_identity(row.get(self.name))] for row in rows], dtype=np.int64)


ALL = Axis("configuration", (None,))
"""The axis of a sweep that varies nothing but the seed: one group of trials."""


def find_axes(configs: Sequence[Mapping[str, Value]]) -> list[Axis]:
    """The hyperparameters that vary over `configs`; what follows from another one is left out.

    Logs of other programs that do not tell a value do not make it vary.
    """
    columns = {name: [config.get(name) for config in configs] for name in _keys(configs)}
    varied = {
        name: codes
        for name, values in columns.items()
        if name.partition(".")[0] not in NOT_AXES and max(codes := _codes(values), default=0) > 0
        if max(_codes(_told(name, configs)), default=0) > 0
    }
    chosen: list[str] = []
    for name in sorted(varied, key=_priority):
        if not any(_follows(varied[name], varied[other]) for other in chosen):
            chosen.append(name)
    return [
        Axis(name, _ordered(name, columns), _unit(name, columns), _companions(name, varied, chosen))
        for name in sorted(chosen, key=_display_order)
    ]


def with_unknown_values(trials: Sequence[RecordedTrial]) -> list[RecordedTrial]:
    """`trials`, of which those that other programs trained have a value of every axis: perhaps "unknown"."""
    if not any(trial.imported for trial in trials):
        return list(trials)
    configs = [trial.config for trial in trials]
    filled = with_unknown(configs, [axis.name for axis in find_axes(configs)])
    return [replace(trial, config=config) for trial, config in zip(trials, filled, strict=True)]


def _told(name: str, configs: Sequence[Mapping[str, Value]]) -> list[Value]:
    """The values of one key, but for those that are unknown."""
    return [config.get(name) for config in configs if name in config or not is_partial(config)]


def _keys(configs: Sequence[Mapping[str, Value]]) -> list[str]:
    return list(dict.fromkeys(name for config in configs for name in config))


def _codes(values: Sequence[Value]) -> list[int]:
    seen: dict[object, int] = {}
    return [seen.setdefault(_identity(value), len(seen)) for value in values]


def _identity(value: Value) -> object:
    """Tells True from 1 and lets NaN equal itself, which `==` does not."""
    return (isinstance(value, bool), "nan" if value != value else value)


def _follows(codes: Sequence[int], others: Sequence[int]) -> bool:
    """Is the first column a function of the second?"""
    return len(set(zip(codes, others, strict=True))) == len(set(others))


def _priority(name: str) -> tuple[int, int]:
    """Which of two values that vary together names the axis: both, who trained it, a part, a short name."""
    if len(parts(name)) > 1:
        return -2, 0
    if name == PROGRAM:
        return -1, 0
    if name.endswith(".name") or name == "env.id":
        return 0, 0
    return (1, SHORT.index(name)) if name in SHORT else (2, 0)


def _display_order(name: str) -> tuple[int, str]:
    return (SHORT.index(name), "") if name in SHORT else (len(SHORT), name)


def _unit(name: str, columns: Mapping[str, Sequence[Value]]) -> str:
    """What the numbers on the axis mean; the target's period counts what `target.name` says."""
    targets = set(columns.get("target.name", ()))
    counted = ", " + " or ".join(sorted(map(str, targets))) if targets <= PERIODS else ""
    return UNITS.get(name, "") + (counted if name == "update_every" else "")


def _companions(name: str, varied: Mapping[str, Sequence[int]], chosen: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        other
        for other in varied
        if other not in (*chosen, *ALIASES, *parts(name)) and _follows(varied[other], varied[name])
    )


def _ordered(name: str, columns: Mapping[str, Sequence[Value]]) -> tuple[Value, ...]:
    """The values of a column, each once; what is made of several is ordered as these are."""
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
