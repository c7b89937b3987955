"""What a sweep planned: `sweep.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from analysis.records.disk import Skipped, Value, flatten
from dqn_exp.runs import read_json


class Plan(NamedTuple):
    root: Path
    command: str | None
    names: Sequence[str]
    """Directories of the planned trials, relative to `root`."""
    defaults: Mapping[str, Value]
    """The configuration without what the sweep varies, by dotted name."""


def read_plan(root: Path, skipped: list[Skipped]) -> Plan:
    """The plan of the sweep in `root`; nothing is planned where there is no sweep."""
    try:
        content = read_json(root / "sweep.json")
    except FileNotFoundError:
        content = {}
    except (OSError, ValueError) as error:
        skipped.append(Skipped("sweep.json", f"cannot be read: {error}"))
        content = {}
    content = content if isinstance(content, dict) else {}
    return Plan(
        root,
        content.get("command"),
        [str(entry.get("name")) for entry in content.get("trials", ())],
        flatten(content.get("defaults") or {}),
    )
