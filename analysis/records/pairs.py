"""Axes whose values went together: nobody can tell their effects apart, so that they are read as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dqn_exp.runs import read_json
from dqn_exp.text import format_value

SEPARATOR = ", "


def read_pairs(path: Path) -> list[list[str]]:
    """The groups of keys that `sweep.json` in `path` tells of; none where there is no such file to read."""
    try:
        plan = read_json(path / "sweep.json")
        return [[str(key) for key in group] for group in plan.get("zip", ())]
    except (OSError, ValueError, TypeError, AttributeError):
        return []  # damage is told of by those who read the whole plan


def combined(config: Mapping[str, Any], pairs: Sequence[Sequence[str]]) -> dict[str, Any]:
    """`config` with one more value for each of `pairs`, by a name such as "buffer, batch"."""
    together: dict[str, Any] = {}
    for pair in pairs:
        names = [name for key in pair if (name := _column(key, config)) is not None]
        if len(names) > 1:
            together[SEPARATOR.join(names)] = SEPARATOR.join(_told(config, name) for name in names)
    return {**config, **together}


def _told(config: Mapping[str, Any], name: str) -> str:
    """Its value; a dash where what the trial has chosen knows no such key, as replay.alpha."""
    return format_value(config[name]) if name in config else "–"


def _column(key: str, config: Mapping[str, Any]) -> str | None:
    """The value by which a key is told of: that of a config group is the name of its part.

    A dotted key is none of a group, whether this configuration has it or not.
    """
    names = (key, f"{key}.name", f"{key}.id")
    found = (name for name in names if name in config and name != "seed")
    return next(found, key if "." in key else None)


def parts(name: str) -> list[str]:
    """The columns that a column is made of; itself, of a single one."""
    return name.split(SEPARATOR)
