"""The designs that a sweep with looks declares, and the changes that are allowed after looks were taken.

The error that a look may spend depends on all declared looks. Therefore the looks that were taken cannot be
changed; further looks may be added as long as some of the error is unspent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dqn_exp.config import ConfigError, recorded_config
from dqn_exp.launch.looks import DESIGNS, SEEDS, UNTIL_DECIDED, Judge, SeedsDesign
from dqn_exp.plan import PlannedTrial
from dqn_exp.runs import DESCRIPTION, now, read_description

Row = Mapping[str, Any]
"""The result of one look at one value, as recorded in `sweep.json`."""


def declare(
    manifest: Mapping[str, Any], directory: Path, design: SeedsDesign | None, judge: Judge
) -> list[dict[str, Any]]:
    """All designs of the sweep in `directory`, with `design` as the last; empty if the seeds are given.

    `manifest` is the content of its `sweep.json`, empty if there is none. Raises ConfigError if looks were
    taken and `design` is neither the declared one nor an extension that the unspent error allows.
    """
    there = SeedsDesign(**manifest[SEEDS]) if SEEDS in manifest else None
    if manifest and (there is None) != (design is None):
        raise _other(manifest, directory, there, design)
    if design is None:
        return []
    if there is None:
        return [_entry(design, 0)]
    known = list(manifest.get(DESIGNS) or [_entry(there, 0, manifest["started"])])
    if there == design:
        return known
    looks = _looks(manifest, directory, judge)
    taken = max((look["look"] for look in looks), default=0)
    if taken:
        _check_extension(manifest, directory, there, design, looks, judge.unspent(manifest, taken))
    return [*known, _entry(design, taken)]


def keep_budgets(
    manifest: Mapping[str, Any], directory: Path, trials: Sequence[PlannedTrial], judge: Judge
) -> None:
    """Raise ConfigError if trials that were looked at would now have another budget.

    They would continue, and the results of the looks would change.
    """
    if SEEDS not in manifest:
        return
    changed = next(filter(None, (_other_budget(trial, directory) for trial in trials)), None)
    if changed and _looks(manifest, directory, judge):
        recorded, requested = changed
        raise ConfigError(
            f"{requested}: the looks in {directory} were taken with {recorded}, and another budget would "
            f"change their results; allowed: {recorded}, or another hydra.sweep.dir with seeds that no look "
            f"has used (seeds.first={_next_seed(manifest)})"
        )


def _other_budget(trial: PlannedTrial, directory: Path) -> tuple[str, str] | None:
    """The differing keys of a recorded trial's budget, as recorded and as requested; None if equal."""
    place = directory / trial.name
    if not (place / DESCRIPTION).exists():
        return None
    recorded = recorded_config(read_description(place)).budget.model_dump()
    requested = trial.config.budget.model_dump()
    keys = [key for key in requested if requested[key] != recorded[key]]
    recorded_text, requested_text = (
        " ".join(f"budget.{key}={_text(b[key])}" for key in keys) for b in (recorded, requested)
    )
    return (recorded_text, requested_text) if keys else None


def _entry(design: SeedsDesign, taken: int, declared: str | None = None) -> dict[str, Any]:
    return {"declared": declared or now(), "taken": taken, **design.record()}


def _looks(manifest: Mapping[str, Any], directory: Path, judge: Judge) -> Sequence[Row]:
    """The recorded looks, or if more, all looks that the trials allow: a report may have shown these."""
    recorded: Sequence[Row] = manifest.get("looks", ())
    taken = judge.look(directory, ())
    return max(recorded, taken.looks if taken else (), key=len)


def _check_extension(
    manifest: Mapping[str, Any],
    directory: Path,
    there: SeedsDesign,
    design: SeedsDesign,
    looks: Sequence[Row],
    unspent: float,
) -> None:
    """Raise ConfigError unless `design` adds looks to those taken, and error is left for them."""
    taken = there.looks[: looks[-1]["look"]]
    as_declared = there.model_copy(update={"looks": design.looks, "reserve": design.reserve})
    if design != as_declared or design.looks[: len(taken)] != taken or design.looks[-1] <= there.looks[-1]:
        more = f"seeds.looks that begin with {_text(taken)} and go beyond {there.looks[-1]} seeds, "
        raise _other(manifest, directory, there, design, more)
    requested = f"seeds.looks={_text(design.looks)}"
    fresh = f"another hydra.sweep.dir with seeds that no look has used (seeds.first={_next_seed(manifest)})"
    if all(verdict != "undecided" for verdict in {row["value"]: row["verdict"] for row in looks}.values()):
        raise ConfigError(
            f"{requested}: with {taken[-1]} seeds every value in {directory} was decided; allowed: {fresh}"
        )
    if design.reserve >= unspent > 0:
        raise ConfigError(
            f"{requested}: seeds.reserve={design.reserve:g} reserves all of seeds.alpha that the looks in "
            f"{directory} have left, a share of {unspent:.2g}; allowed: less, such as seeds.reserve=0"
        )
    if unspent == 0:
        raise ConfigError(
            f"{requested}: the looks in {directory}, up to {taken[-1]} seeds, have spent all of seeds.alpha="
            f"{design.alpha:g}; allowed: {fresh}, where seeds.reserve=0.2 would keep a fifth of it for looks "
            f"that are added later"
        )


def _other(
    manifest: Mapping[str, Any],
    directory: Path,
    there: SeedsDesign | None,
    requested_design: SeedsDesign | None,
    more: str = "",
) -> ConfigError:
    recorded, requested = (
        "given seeds" if design is None else f"seed={UNTIL_DECIDED} with {_design_text(design)}"
        for design in (there, requested_design)
    )
    return ConfigError(
        f"{directory} holds a sweep of {recorded}, and this command asks for {requested}: analysing the same "
        f"trials under two designs raises the error above the declared alpha; allowed: the same again, "
        f"{more}or another hydra.sweep.dir with seeds that no look has used "
        f"(seeds.first={_next_seed(manifest)})"
    )


def _design_text(design: SeedsDesign) -> str:
    return " ".join(f"{SEEDS}.{key}={_text(value)}" for key, value in design.record().items())


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _next_seed(manifest: Mapping[str, Any]) -> int:
    design = manifest.get(SEEDS)
    ends = [trial["seed"] + 1 for trial in manifest.get("trials", ())]
    return int(max([*ends, design["first"] + design["looks"][-1]] if design else ends, default=0))
