"""What a sweep planned: `sweep.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from analysis.records.disk import Skipped, Value, by_name, flatten
from analysis.records.pairs import combined, parts, read_pairs
from analysis.records.shards import find_groups
from dqn_exp.config import SHORT_NAMES, parse_size
from dqn_exp.runs import read_json


class Planned(NamedTuple):
    """A trial that was planned."""

    name: str
    """Its directory, relative to the sweep's."""
    swept: Mapping[str, str]
    """Those of its overrides that not every trial has."""


class Schedule(NamedTuple):
    """Looks, as they were declared before the first of them or extended later."""

    looks: Sequence[int]
    """Seeds of a value at each look."""
    reserve: float
    """Share of alpha that they leave to others, which may be added later."""
    taken: int
    """How many looks had been taken when this was declared: the first of `looks`."""
    declared: str
    """When, ISO 8601."""


class PlannedLooks(NamedTuple):
    """How many seeds it may take, as it was declared."""

    first: int
    """The first seed; the others follow it."""
    margin: tuple[float, float]
    alpha: float
    schedules: Sequence[Schedule]
    """That of the first look, and those by which looks were added; each but the first after some look."""
    lost: Sequence[str]
    """Names of trials that failed before a look was taken without them."""

    @property
    def looks(self) -> Sequence[int]:
        """Seeds of a value at each look."""
        return self.schedules[-1].looks

    @property
    def seeds(self) -> range:
        return range(self.first, self.first + self.looks[-1])


class Plan(NamedTuple):
    root: Path
    command: str | None
    trials: Sequence[Planned]
    defaults: Mapping[str, Value]
    """The configuration without what the sweep varies, by dotted name; empty where it is not known."""
    looks: PlannedLooks | None = None
    """None where the seeds were given."""
    extended: bool = False
    """Were given seeds added to when the sweep had come to its end?"""
    ahead: Sequence[str] = ()
    """Names of trials that were begun ahead of a look that has not asked for them."""
    roots: Sequence[Path] = ()
    """All folders of a sweep that was run in shards, `root` the first of them."""
    shards: Mapping[str, str] = {}  # none of it is changed
    """The shard of each trial of such a sweep, by the trial's name."""

    def places(self, name: str) -> list[Path]:
        """Where a trial may be: in `root`, or where others have run it."""
        return [root / name for root in self.roots or (self.root,)]

    def place(self, name: str) -> Path:
        """Where a trial is, or would be."""
        places = self.places(name)
        return next(filter(Path.is_dir, places), places[0])


def read_plans(places: Sequence[Path], directories: Sequence[Path], skipped: list[Skipped]) -> list[Plan]:
    """The plans of the sweeps in `places`, one for all shards of a sweep; `directories`: of their trials."""
    groups = find_groups(directories, places)
    merged = [
        read_plan(group.roots[0], skipped)._replace(roots=group.roots, shards=group.shards)
        for group in groups
    ]
    in_shards = {root for group in groups for root in group.roots}
    return [*merged, *(read_plan(place, skipped) for place in places if place not in in_shards)]


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
    entries = content.get("trials", ())
    overrides = [list(map(str, entry.get("overrides", ()))) for entry in entries]
    common = set.intersection(*map(set, overrides)) if overrides else set()
    defaults = content.get("defaults")
    swept = [dict(_parted(text) for text in texts if text not in common) for texts in overrides]
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
    """What `sweep.json` tells of looks; None where the seeds were given."""
    design = content.get("seeds")
    if design is None:
        return None
    low, high = design["margin"]
    declared = [_schedule(one) for one in content.get("designs", ())]
    declared = declared or [_schedule({"declared": content.get("started", ""), **design})]
    first = max(place for place, schedule in enumerate(declared) if not schedule.taken)
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
    """A nested configuration as rows have it: by dotted name, and with the axes that `pairs` make."""
    return combined(by_name(config), pairs)


def _parted(override: str) -> tuple[str, str]:
    name, _, value = override.partition("=")
    return name.lstrip("+"), value


def planned_config(others: Sequence[Mapping[str, Value]], trial: Planned) -> Mapping[str, Value] | None:
    """The configuration of a planned trial, from those of `others` of its sweep.

    That of a trial that differs in the seed alone, where there is one. None where there are none, or where
    its overrides do not tell, because one chooses a part, such as `env=lunarlander`.
    """
    like = others[0] if others else {}
    if not like or not trial.swept.keys() <= like.keys():
        return None
    swept = {name: _value(text, like[name]) for name, text in trial.swept.items()}
    but_seed = {name: value for name, value in swept.items() if name != "seed"}
    twin = next((other for other in others if but_seed.items() <= other.items()), None)
    if twin is not None:
        return {**twin, **swept}
    second = {_OTHER_NAMES[name]: value for name, value in swept.items() if name in _OTHER_NAMES}
    config = {**like, **swept, **{name: value for name, value in second.items() if name in like}}
    return combined(config, [*map(parts, like)])


_OTHER_NAMES = {**SHORT_NAMES, **{short: name for name, short in SHORT_NAMES.items()}}
"""Each value that has two names, by either."""


def _value(text: str, like: Value) -> Value:
    """The value of an override: a size where the key counts, otherwise a number, a list or a word."""
    counts = isinstance(like, int) and not isinstance(like, bool)
    for convert in (parse_size, float, json.loads) if counts else (float, json.loads):
        try:
            return flatten({"": convert(text)})[""]
        except ValueError:
            continue
    return text
