"""Shards: the trials of one sweep in several folders, written by commands with `shard=K/N`.

What is in two of the folders is read once; what is in none of them is named.
"""

from __future__ import annotations

import filecmp
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dqn_exp.runs import DESCRIPTION, FINISHED, KINDS, NETWORK, metrics_path, read_json, read_result

MANIFEST = "sweep.json"
MOST_NAMED = 3
"""Trials of one folder that are named one by one."""
OF_A_PROGRAM = {"cpu": "processor", "source": "code of dqn_exp", "versions": "packages", "learner": "learner"}
"""What `trial.json` tells of that may make other numbers of the same trial, in words."""


class Group(NamedTuple):
    """One sweep."""

    roots: Sequence[Path]
    """The folders that hold trials of it; the first has the plan."""
    shards: Mapping[str, str]
    """The shard of each planned trial, "3/16", by the trial's name."""


class Remark(NamedTuple):
    subject: str
    """A folder or a shard."""
    told: str
    kind: str
    """ "repeated", "differs" or "missing"."""


def find_groups(directories: Sequence[Path], places: Sequence[Path]) -> list[Group]:
    """The sweeps that were run in shards, of those that the trials in `directories`, below `places`, are of.

    Folders are of one sweep where its plan has the same fingerprint, also that of a command without a shard.
    """
    roots = [root for root in _ancestors(directories, places) if (root / MANIFEST).is_file()]
    if not any(b'"shard"' in (root / MANIFEST).read_bytes() for root in roots):
        return []
    plans = {root: read_if_whole(root / MANIFEST) for root in roots}
    found = defaultdict[object, list[Path]](list)
    for root, plan in plans.items():
        found[plan.get("fingerprint", root)].append(root)
    groups = [
        Group(sorted(of_one, key=lambda root: not _shards(plans[root])), {}) for of_one in found.values()
    ]
    return [group._replace(shards=shards) for group in groups if (shards := _shards(plans[group.roots[0]]))]


def read_once(
    directories: Sequence[Path], groups: Sequence[Group], common: Path
) -> tuple[list[Path], list[Remark]]:
    """`directories` without trials that are in another folder of the same sweep, too; and which these are.

    Of several, one that has come to its end is kept, and of several such the first: whatever its result.
    """
    copies = defaultdict[object, list[Path]](list)
    for directory in directories:
        copies[_identity(directory, groups)].append(directory)
    pairs = [(_kept(several), other) for several in copies.values() for other in several]
    dropped = [(kept, other) for kept, other in pairs if other is not kept]
    left_out = {other for _, other in dropped}
    return [d for d in directories if d not in left_out], list(_repeated(dropped, groups, common))


def incomplete(group: Group, over: Mapping[str, bool]) -> Iterator[Remark]:
    """What is missing of each shard; `over` says of each trial that is there, by name, if it ended."""
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
                f"shard {shard}", f"{left} of its {len(own)} trials {_are(left)} not over", "missing"
            )


def name_in(group: Group, directory: Path) -> str | None:
    """The name of a trial in the sweep; None where it is not of it."""
    return next((str(directory.relative_to(r)) for r in group.roots if r in directory.parents), None)


def _ancestors(directories: Sequence[Path], places: Sequence[Path]) -> list[Path]:
    """The folders that trials lie in, up to those that were named, each once."""
    found: dict[Path, None] = {}
    for directory in directories:
        for folder in directory.parents:
            if folder in found:
                break
            if any(folder == place or place in folder.parents for place in places):
                found[folder] = None
    return list(found)


def read_if_whole(path: Path) -> Mapping[str, Any]:
    """An object; empty where it is damaged, of which others tell who read the whole of it."""
    try:
        content = read_json(path)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _shards(plan: Mapping[str, Any]) -> dict[str, str]:
    return {trial["name"]: trial["shard"] for trial in plan.get("trials", ()) if "shard" in trial}


def _identity(directory: Path, groups: Sequence[Group]) -> object:
    """Equal for the copies of a trial."""
    for number, group in enumerate(groups):
        name = name_in(group, directory)
        if name is not None:
            return number, name
    return directory


def _kept(copies: Sequence[Path]) -> Path:
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
    """One remark for each two folders and what became of the trials that are in both."""
    found = defaultdict[tuple[str, str, str], list[str]](list)
    for kept, other in dropped:
        name = next(name for group in groups if (name := name_in(group, other)))
        folder, kept_in = (_without(name, place.relative_to(common)) for place in (other, kept))
        found[folder, kept_in, _compared(kept, other)].append(name)
    for (folder, kept_in, how), names in found.items():
        n, listed = len(names), ", ".join(names[:MOST_NAMED])
        more = f" and {n - MOST_NAMED} more" if n > MOST_NAMED else ""
        told = f"{n} trial{'s' * (n > 1)} {_are(n)} in {kept_in}, too, {how}, and read there: {listed}{more}"
        yield Remark(folder, told, "differs" if how.startswith("with") else "repeated")


def _without(name: str, run: Path) -> str:
    """The folder of a sweep in which the trial called `name` is `run`."""
    return str(run).removesuffix(name).rstrip("/") or "."


def _compared(kept: Path, other: Path) -> str:
    if not _is_finished(other):
        return "where they went further"
    files = [*(metrics_path(kept, kind).name for kind in KINDS), NETWORK]
    if all(_is_same(kept / name, other / name) for name in files):
        return "the same to the last byte"
    first, second = (read_if_whole(place / DESCRIPTION) for place in (kept, other))
    changed = [words for key, words in OF_A_PROGRAM.items() if first.get(key) != second.get(key)]
    return f"with another result ({'other ' + ', '.join(changed) if changed else 'no record tells why'})"


def _is_same(first: Path, second: Path) -> bool:
    if not (first.exists() and second.exists()):
        return first.exists() == second.exists()
    return filecmp.cmp(first, second, shallow=False)


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
