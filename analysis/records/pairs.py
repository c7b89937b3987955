"""Axes whose values were varied together (`zip=`) are read as one, as their effects cannot be separated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.records.manifest import manifest_if_whole
from dqn_exp.text import format_value

SEPARATOR = ", "


def read_pairs(path: Path) -> list[list[str]]:
    """The groups of keys under "zip" in `sweep.json` of `path`; none if there is no readable file.

    Raises AnalysisError if this version does not know the file's format.
    """
    plan = manifest_if_whole(path)
    try:
        return [[str(key) for key in group] for group in plan.get("zip", ())]
    except TypeError:
        return []  # damage is reported when the whole plan is read


def combined(config: Mapping[str, Any], pairs: Sequence[Sequence[str]]) -> dict[str, Any]:
    """`config` with one more value for each of `pairs`, under a name such as "buffer, batch"."""
    together: dict[str, Any] = {}
    for pair in pairs:
        names = [name for key in pair if (name := _column(key, config)) is not None]
        if len(names) > 1:
            together[SEPARATOR.join(names)] = SEPARATOR.join(_value_text(config, name) for name in names)
    return {**config, **together}


def _value_text(config: Mapping[str, Any], name: str) -> str:
    """The value as text; a dash if the trial's parts have no such key (for example replay.alpha)."""
    return format_value(config[name]) if name in config else "–"


def _column(key: str, config: Mapping[str, Any]) -> str | None:
    """The name of the configuration value for a key. For a config group, it is the name of its part.

    A dotted key is not a group: it is returned even if this configuration does not have it.
    """
    names = (key, f"{key}.name", f"{key}.id")
    present = (name for name in names if name in config and name != "seed")
    return next(present, key if "." in key else None)


def parts(name: str) -> list[str]:
    """The columns that a column is combined of; only itself if it is not combined."""
    return name.split(SEPARATOR)
