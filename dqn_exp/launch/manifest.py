"""Writes `sweep.json`, the record of a sweep, by which a later command recognises the same sweep."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from dqn_exp.config import ConfigError
from dqn_exp.launch.looks import DESIGNS, SEEDS, LookProgress, SeedsDesign
from dqn_exp.launch.shards import Shard, labels
from dqn_exp.plan import Groups, PlannedTrial, is_seed, plain_values, resolve_config, without_seed
from dqn_exp.runs import (
    MANIFEST,
    MANIFEST_FORMAT,
    DamagedRecord,
    command_line,
    is_locked,
    now,
    read_manifest,
    write_json,
)

OF_LOOKS = ("lost", "looks", "ahead")
"""Fields of `LookProgress`, and the keys of `sweep.json` that record them."""


def fingerprint(trials: Sequence[PlannedTrial], design: SeedsDesign | None) -> str:
    """12 hex digits that are equal for two commands with the same trials and the same design."""
    lines = sorted(f"{trial.name} {trial.config.hash()}" for trial in trials)
    content = "\n".join([*lines, *([design.model_dump_json(exclude_defaults=True)] if design else [])])
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def interrupted_sweep(parent: Path, wanted: str) -> Path | None:
    """The newest incomplete sweep below `parent` with the fingerprint `wanted`; None if none or in use.

    Sweeps whose record is damaged or of an unknown format are passed over, because nobody asked for them.
    """
    for path in sorted(parent.glob(f"*/{MANIFEST}"), reverse=True):
        with suppress(DamagedRecord, ConfigError):
            content = read_manifest(path.parent)
            if content.get("fingerprint") == wanted and not content["complete"]:
                return None if is_locked(path.parent) else path.parent
    return None


def defaults(master: DictConfig, design: SeedsDesign | None) -> dict[str, Any] | None:
    """The configuration without the values that the sweep varies; None if it is not complete."""
    try:
        values = plain_values(master) | ({"seed": design.first} if design else {})
        return resolve_config(values, in_subprocess=True).record()
    except (ConfigError, OmegaConfBaseException):
        return None


class Declared(NamedTuple):
    """What a command requests, before anything is run."""

    defaults: dict[str, Any] | None
    groups: Groups
    fingerprint: str
    design: SeedsDesign | None
    shard: Shard | None
    designs: Sequence[Mapping[str, Any]] = ()
    """All declared designs of the seeds, the current one last, as recorded in `sweep.json`."""


def write_manifest(directory: Path, declared: Declared, progress: LookProgress) -> None:
    """Record the trials and the design of the sweep, and keep the trials that earlier commands recorded."""
    earlier = read_manifest(directory) or {"started": now(), "trials": []}
    listed = {trial["name"]: trial for trial in earlier["trials"]}
    of_shards = labels(progress.trials, declared.shard)
    extended = bool(earlier.get("complete")) and _adds_seeds(listed, progress.trials)
    for trial in progress.trials:
        listed[trial.name] = {
            "name": trial.name,
            "seed": trial.config.seed,
            "hash": trial.config.hash(),
            "overrides": list(trial.overrides),
            **of_shards.get(trial.name, {}),
        }
    content = {
        "format": MANIFEST_FORMAT,
        "command": command_line(),
        "started": earlier["started"],
        "fingerprint": declared.fingerprint,
        "complete": False,
        "defaults": declared.defaults,
        "zip": declared.groups,
        "extended": extended or earlier.get("extended", False),
        "trials": list(listed.values()),
    }
    if declared.design:
        content |= {SEEDS: declared.design.record(), DESIGNS: declared.designs}
        content |= {key: list(getattr(progress, key)) for key in OF_LOOKS}
    write_json(directory / MANIFEST, content)


def _adds_seeds(listed: Mapping[str, Any], trials: Sequence[PlannedTrial]) -> bool:
    """Whether `trials` adds seeds to configurations that the sweep already has."""
    known = {tuple(text for text in trial["overrides"] if not is_seed(text)) for trial in listed.values()}
    return any(trial.name not in listed and without_seed(trial) in known for trial in trials)


def complete(directory: Path) -> None:
    """Record that the sweep in `directory` is complete."""
    write_json(directory / MANIFEST, {**read_manifest(directory), "complete": True})


def read_progress(directory: Path) -> LookProgress:
    """The recorded progress of the looks, without the trials."""
    content = read_manifest(directory)
    return LookProgress((), *(content.get(key, ()) for key in OF_LOOKS))
