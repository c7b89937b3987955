"""Shards: the trials of one sweep in several folders, written by commands with `shard=K/N`.

A trial that is in several folders is read once. A trial that is in none of them is reported as missing.
"""

from __future__ import annotations

import filecmp
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from analysis.records.manifest import manifest_if_whole
from dqn_exp.runs import KINDS, MANIFEST, NETWORK, metrics_path, read_description, read_result
from dqn_exp.statuses import FINISHED
from dqn_exp.text import format_count

MOST_NAMED = 3
"""The most trials of one folder that are named one by one."""
OF_A_PROGRAM = {"cpu": "processor", "source": "code of dqn_exp", "versions": "packages", "learner": "learner"}
"""Keys of `trial.json` that may explain different results of the same trial, in words."""


class Group(NamedTuple):
    """One sweep that was run in shards."""

    roots: Sequence[Path]
    """The folders that hold its trials; the first has the plan."""
    shards: Mapping[str, str]
    """For the name of each planned trial, its shard, such as "3/16"."""


class Remark(NamedTuple):
    subject: str
    """A folder or a shard."""
    told: str
    kind: str
    """ "repeated", "differs" or "missing"."""


def find_groups(directories: Sequence[Path], places: Sequence[Path]) -> list[Group]:
    """The sweeps that were run in shards, among those of the trials in `directories` below `places`.

    Folders belong to one sweep if their plans have the same fingerprint. The folder of a command without
    `shard=` can be one of them.
    """
    roots = [root for root in _ancestors(directories, places) if (root / MANIFEST).is_file()]
    if not any(b'"shard"' in (root / MANIFEST).read_bytes() for root in roots):
        return []
    plans = {root: manifest_if_whole(root) for root in roots}
    by_fingerprint = defaultdict[object, list[Path]](list)
    for root, plan in plans.items():
        by_fingerprint[plan.get("fingerprint", root)].append(root)
    groups = [
        Group(sorted(of_one, key=lambda root: not _shards(plans[root])), {})
        for of_one in by_fingerprint.values()
    ]
    return [group._replace(shards=shards) for group in groups if (shards := _shards(plans[group.roots[0]]))]


def without_copies(
    directories: Sequence[Path], groups: Sequence[Group], common: Path
) -> tuple[list[Path], list[Remark]]:
    """`directories` with one copy of each trial, and remarks on the copies that were left out.

    Of several copies the first finished one is kept, whatever its result; if none is finished, the first.
    """
    copies = defaultdict[object, list[Path]](list)
    for directory in directories:
        copies[_identity(directory, groups)].append(directory)
    pairs = [(_preferred(several), other) for several in copies.values() for other in several]
    dropped = [(kept, other) for kept, other in pairs if other is not kept]
    left_out = {other for _, other in dropped}
    return [d for d in directories if d not in left_out], list(_repeated(dropped, groups, common))


def incomplete(group: Group, over: Mapping[str, bool]) -> Iterator[Remark]:
    """A remark for each shard with missing trials. `over`: has the existing trial of this name ended?"""
    names = defaultdict[str, list[str]](list)
    for name, shard in group.shards.items():
        names[shard].append(name)
    for shard, own in sorted(names.items(), key=lambda item: tuple(map(int, item[0].split("/")))[::-1]):
        begun = [name for name in own if name in over]
        left = len(own) - sum(over[name] for name in begun)
        if not begun:
            yield Remark(f"shard {shard}", f"none of its trials is here ({left} planned)", "missing")
        elif left:
            yield Remark(
                f"shard {shard}", f"{left} of its {len(own)} trials {_is_or_are(left)} not over", "missing"
            )


def name_in(group: Group, directory: Path) -> str | None:
    """The name of a trial in the sweep; None if the trial belongs to another one."""
    return next((str(directory.relative_to(r)) for r in group.roots if r in directory.parents), None)


def _ancestors(directories: Sequence[Path], places: Sequence[Path]) -> list[Path]:
    """All folders above the trials, up to `places`, each once."""
    folders: dict[Path, None] = {}
    for directory in directories:
        for folder in directory.parents:
            if folder in folders:
                break
            if any(folder == place or place in folder.parents for place in places):
                folders[folder] = None
    return list(folders)


def _shards(plan: Mapping[str, Any]) -> dict[str, str]:
    return {trial["name"]: trial["shard"] for trial in plan.get("trials", ()) if "shard" in trial}


def _identity(directory: Path, groups: Sequence[Group]) -> object:
    """A key that is equal for all copies of a trial."""
    for number, group in enumerate(groups):
        name = name_in(group, directory)
        if name is not None:
            return number, name
    return directory


def _preferred(copies: Sequence[Path]) -> Path:
    return copies[0] if len(copies) == 1 else min(copies, key=lambda copy: not _is_finished(copy))


def _is_finished(directory: Path) -> bool:
    try:
        result = read_result(directory)
    except (OSError, ValueError, TypeError):
        return False
    return result is not None and result.status in FINISHED


def _repeated(
    dropped: Sequence[tuple[Path, Path]], groups: Sequence[Group], common: Path
) -> Iterator[Remark]:
    """One remark for each pair of folders and each result of comparing the trials that are in both."""
    repeated = defaultdict[tuple[str, str, str], list[str]](list)
    for kept, other in dropped:
        name = next(name for group in groups if (name := name_in(group, other)))
        folder, kept_in = (_sweep_folder(name, place.relative_to(common)) for place in (other, kept))
        repeated[folder, kept_in, _compared(kept, other)].append(name)
    for (folder, kept_in, how), names in repeated.items():
        n, listed = len(names), ", ".join(names[:MOST_NAMED])
        more = f" and {n - MOST_NAMED} more" if n > MOST_NAMED else ""
        copies = f"the cop{'ies' if n > 1 else 'y'} in {kept_in} {_is_or_are(n)} used"
        text = (
            f"{format_count(n, 'trial')} {_is_or_are(n)} also in {kept_in}, {how}; {copies}: {listed}{more}"
        )
        yield Remark(folder, text, "differs" if how.startswith("with") else "repeated")


def _sweep_folder(name: str, run: Path) -> str:
    """The sweep's folder: `run` without the trial's `name` at its end."""
    return str(run).removesuffix(name).rstrip("/") or "."


def _compared(kept: Path, other: Path) -> str:
    if not _is_finished(other):
        return "and not finished here"
    files = [*(metrics_path(kept, kind).name for kind in KINDS), NETWORK]
    if all(_is_same(kept / name, other / name) for name in files):
        return "identical byte for byte"
    first, second = (_description_if_whole(place) for place in (kept, other))
    changed = [words for key, words in OF_A_PROGRAM.items() if first.get(key) != second.get(key)]
    return f"with a different result ({'other ' + ', '.join(changed) if changed else 'no record shows why'})"


def _description_if_whole(directory: Path) -> Mapping[str, Any]:
    """The description of a trial; empty if it is damaged or of an unknown format."""
    try:
        return read_description(directory)
    except (OSError, ValueError):
        return {}


def _is_same(first: Path, second: Path) -> bool:
    if not (first.exists() and second.exists()):
        return first.exists() == second.exists()
    return filecmp.cmp(first, second, shallow=False)


def _is_or_are(number: int) -> str:
    return "is" if number == 1 else "are"
