"""Reads the plan of a sweep from `sweep.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from analysis.records.disk import Skipped, Value, by_name, flatten
from analysis.records.manifest import manifest_of
from analysis.records.pairs import combined, parts, read_pairs
from analysis.records.shards import find_groups
from dqn_exp.config import SHORT_NAMES, parse_size
from dqn_exp.runs import MANIFEST


class Planned(NamedTuple):
    """A planned trial."""

    name: str
    """Its directory, relative to the sweep's."""
    swept: Mapping[str, str]
    """Its overrides, without those that all trials have in common."""


class Schedule(NamedTuple):
    """A declaration of looks, made before the first look or when looks were added."""

    looks: Sequence[int]
    """Seeds per value at each look."""
    reserve: float
    """Share of alpha that these looks do not spend, so that looks added later can."""
    taken: int
    """How many looks had been taken at the declaration: the first ones of `looks`."""
    declared: str
    """Time of the declaration, ISO 8601."""


class PlannedLooks(NamedTuple):
    """The declared design of a sweep whose seeds are added in looks."""

    first: int
    """The first seed; the others follow it."""
    margin: tuple[float, float]
    alpha: float
    schedules: Sequence[Schedule]
    """The first declaration, then those that added looks; each of these was made after some look."""
    lost: Sequence[str]
    """Names of failed trials that a look left out."""

    @property
    def looks(self) -> Sequence[int]:
        """Seeds per value at each look."""
        return self.schedules[-1].looks

    @property
    def seeds(self) -> range:
        return range(self.first, self.first + self.looks[-1])


class Plan(NamedTuple):
    root: Path
    command: str | None
    trials: Sequence[Planned]
    defaults: Mapping[str, Value]
    """The configuration without the sweep's own values, by dotted name; empty if it is unknown."""
    looks: PlannedLooks | None = None
    """None if the seeds were given as a fixed list."""
    extended: bool = False
    """Were seeds added to a fixed list after the sweep had ended?"""
    ahead: Sequence[str] = ()
    """Names of trials that were started for a later look than those taken so far."""
    roots: Sequence[Path] = ()
    """All folders of a sweep that was run in shards; `root` is the first."""
    shards: Mapping[str, str] = {}  # never changed
    """For the name of each trial of such a sweep, its shard."""

    def places(self, name: str) -> list[Path]:
        """The directories in which a trial may be: in `root`, or in the folder of another shard."""
        return [root / name for root in self.roots or (self.root,)]

    def place(self, name: str) -> Path:
        """The directory in which a trial is, or would be."""
        places = self.places(name)
        return next(filter(Path.is_dir, places), places[0])


def read_plans(places: Sequence[Path], directories: Sequence[Path], skipped: list[Skipped]) -> list[Plan]:
    """The plans of the sweeps in `places`, one for all shards of a sweep.

    `directories`: the directories of the trials.
    """
    groups = find_groups(directories, places)
    merged = [
        read_plan(group.roots[0], skipped)._replace(roots=group.roots, shards=group.shards)
        for group in groups
    ]
    in_shards = {root for group in groups for root in group.roots}
    return [*merged, *(read_plan(place, skipped) for place in places if place not in in_shards)]


def read_plan(root: Path, skipped: list[Skipped]) -> Plan:
    """The plan of the sweep in `root`; a plan without trials if there is no readable `sweep.json`.

    Damage is added to `skipped`. Raises AnalysisError if this version does not know the file's format.
    """
    content: Mapping[str, Any] = {}
    try:
        content = manifest_of(root)
    except (OSError, ValueError) as error:
        skipped.append(Skipped(MANIFEST, f"cannot be read: {error}"))
    entries = content.get("trials", ())
    overrides = [list(map(str, entry.get("overrides", ()))) for entry in entries]
    common = set.intersection(*map(set, overrides)) if overrides else set()
    defaults = content.get("defaults")
    swept = [dict(_split_override(text) for text in texts if text not in common) for texts in overrides]
    return Plan(
        root,
        content.get("command"),
        [Planned(str(entry.get("name")), values) for entry, values in zip(entries, swept, strict=True)],
        flat_config(defaults, read_pairs(root)) if defaults else {},
        planned_looks(content),
        bool(content.get("extended")),
        content.get("ahead", ()),
    )


def planned_looks(content: Mapping[str, Any]) -> PlannedLooks | None:
    """The looks in the content of `sweep.json`; None if the seeds were given as a fixed list."""
    design = content.get("seeds")
    if design is None:
        return None
    low, high = design["margin"]
    declared = [_schedule(one) for one in content.get("designs", ())]
    declared = declared or [_schedule({"declared": content.get("started", ""), **design})]
    first = max(index for index, schedule in enumerate(declared) if not schedule.taken)
    return PlannedLooks(
        design["first"],
        (low, high),
        design["alpha"],
        declared[first:],
        content.get("lost", ()),
    )


def _schedule(design: Mapping[str, Any]) -> Schedule:
    return Schedule(
        tuple(design["looks"]), design.get("reserve", 0.0), design.get("taken", 0), design["declared"]
    )


def flat_config(config: Mapping[str, Any], pairs: Sequence[Sequence[str]]) -> Mapping[str, Value]:
    """A nested configuration in the form of rows: by dotted names, with the combined axes of `pairs`."""
    return combined(by_name(config), pairs)


def _split_override(override: str) -> tuple[str, str]:
    name, _, value = override.partition("=")
    return name.lstrip("+"), value


def planned_config(others: Sequence[Mapping[str, Value]], trial: Planned) -> Mapping[str, Value] | None:
    """The configuration of a planned trial, derived from those of `others` in its sweep.

    If a trial differs in the seed alone, its configuration is used. None if there are no others, or if an
    override does not name a configuration value (`env=lunarlander` chooses a whole group).
    """
    example = others[0] if others else {}
    if not example or not trial.swept.keys() <= example.keys():
        return None
    swept = {name: _value(text, example[name]) for name, text in trial.swept.items()}
    but_seed = {name: value for name, value in swept.items() if name != "seed"}
    twin = next((other for other in others if but_seed.items() <= other.items()), None)
    if twin is not None:
        return {**twin, **swept}
    second = {_OTHER_NAMES[name]: value for name, value in swept.items() if name in _OTHER_NAMES}
    config = {**example, **swept, **{name: value for name, value in second.items() if name in example}}
    return combined(config, [*map(parts, example)])


_OTHER_NAMES = {**SHORT_NAMES, **{short: name for name, short in SHORT_NAMES.items()}}
"""For each of the two names of a value, the other name."""


def _value(text: str, example: Value) -> Value:
    """The value of an override: a size if the key is a count, otherwise a number, a list or a word."""
    counts = isinstance(example, int) and not isinstance(example, bool)
    for convert in (parse_size, float, json.loads) if counts else (float, json.loads):
        try:
            return flatten({"": convert(text)})[""]
        except ValueError:
            continue
    return text
