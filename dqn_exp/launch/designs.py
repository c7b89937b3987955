"""What a sweep in looks has declared of its seeds, and what may be declared when looks were taken.

What a look may spend of the error depends on all looks that were declared. So the looks that were taken stay
as they are, and more may follow them as long as some of the error is left.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dqn_exp.config import ConfigError, recorded_config
from dqn_exp.launch.looks import DESIGNS, SEEDS, UNTIL_DECIDED, Design, Judge
from dqn_exp.launch.plan import PlannedTrial
from dqn_exp.runs import DESCRIPTION, now, read_json

Row = Mapping[str, Any]
"""A look at a value, as `sweep.json` records it."""


def declare(
    manifest: Mapping[str, Any], directory: Path, design: Design | None, judge: Judge
) -> list[dict[str, Any]]:
    """All designs of the sweep in `directory`, `design` the last of them; none where the seeds are given.

    `manifest` is what its `sweep.json` says, empty where there is none. Raises ConfigError where the trials
    were looked at, and `design` is not what was declared, or more looks that the error allows.
    """
    there = Design(**manifest[SEEDS]) if SEEDS in manifest else None
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
    """Raise ConfigError where trials that were looked at would have another budget now.

    They would go on, and what the looks have found would change.
    """
    if SEEDS not in manifest:
        return
    changed = next(filter(None, (_other_budget(trial, directory) for trial in trials)), None)
    if changed and _looks(manifest, directory, judge):
        had, wanted = changed
        raise ConfigError(
            f"{wanted}: {directory} holds looks at trials with {had}, and would find something else in "
            f"others; allowed: {had}, or another hydra.sweep.dir with seeds that nobody has seen "
            f"(seeds.first={_next_seed(manifest)})"
        )


def _other_budget(trial: PlannedTrial, directory: Path) -> tuple[str, str] | None:
    """What the budget of a recorded trial says otherwise than asked now, and what is asked; None: nothing."""
    path = directory / trial.name / DESCRIPTION
    if not path.exists():
        return None
    recorded = recorded_config(read_json(path), str(path)).budget.model_dump()
    asked = trial.config.budget.model_dump()
    keys = [key for key in asked if asked[key] != recorded[key]]
    had, wanted = (" ".join(f"budget.{key}={_text(b[key])}" for key in keys) for b in (recorded, asked))
    return (had, wanted) if keys else None


def _entry(design: Design, taken: int, declared: str | None = None) -> dict[str, Any]:
    return {"declared": declared or now(), "taken": taken, **design.record()}


def _looks(manifest: Mapping[str, Any], directory: Path, judge: Judge) -> Sequence[Row]:
    """Those that are recorded, or all that the trials allow: a report may have shown these already."""
    recorded: Sequence[Row] = manifest.get("looks", ())
    found = judge.look(directory, ())
    return max(recorded, found.looks if found else (), key=len)


def _check_extension(
    manifest: Mapping[str, Any],
    directory: Path,
    there: Design,
    design: Design,
    looks: Sequence[Row],
    unspent: float,
) -> None:
    """Raise ConfigError unless `design` adds looks to those that were taken, with something left for them."""
    taken = there.looks[: looks[-1]["look"]]
    as_declared = there.model_copy(update={"looks": design.looks, "reserve": design.reserve})
    if design != as_declared or design.looks[: len(taken)] != taken or design.looks[-1] <= there.looks[-1]:
        more = f"seeds.looks that begin with {_text(taken)} and go beyond {there.looks[-1]} seeds, "
        raise _other(manifest, directory, there, design, more)
    asked = f"seeds.looks={_text(design.looks)}"
    fresh = f"another hydra.sweep.dir with seeds that nobody has seen (seeds.first={_next_seed(manifest)})"
    if all(verdict != "undecided" for verdict in {row["value"]: row["verdict"] for row in looks}.values()):
        raise ConfigError(
            f"{asked}: with {taken[-1]} seeds every value in {directory} was decided; allowed: {fresh}"
        )
    if design.reserve >= unspent > 0:
        raise ConfigError(
            f"{asked}: seeds.reserve={design.reserve:g} keeps all that the looks in {directory} have left of "
            f"seeds.alpha, a share of {unspent:.2g}; allowed: less, such as seeds.reserve=0"
        )
    if unspent == 0:
        raise ConfigError(
            f"{asked}: the looks in {directory}, up to {taken[-1]} seeds, have spent all of seeds.alpha="
            f"{design.alpha:g}; allowed: {fresh}, where seeds.reserve=0.2 would keep a fifth of it for looks "
            f"that are added later"
        )


def _other(
    manifest: Mapping[str, Any],
    directory: Path,
    there: Design | None,
    asked: Design | None,
    more: str = "",
) -> ConfigError:
    had, wanted = (
        "given seeds" if design is None else f"seed={UNTIL_DECIDED} with {_told(design)}"
        for design in (there, asked)
    )
    return ConfigError(
        f"{directory} holds a sweep of {had}, which were looked at, and this command asks for {wanted}: "
        f"another reading of the same trials has a greater error than either says; allowed: the same again, "
        f"{more}or another hydra.sweep.dir with seeds that nobody has seen "
        f"(seeds.first={_next_seed(manifest)})"
    )


def _told(design: Design) -> str:
    return " ".join(f"{SEEDS}.{key}={_text(value)}" for key, value in design.record().items())


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _next_seed(manifest: Mapping[str, Any]) -> int:
    design = manifest.get(SEEDS)
    ends = [trial["seed"] + 1 for trial in manifest.get("trials", ())]
    return int(max([*ends, design["first"] + design["looks"][-1]] if design else ends, default=0))
