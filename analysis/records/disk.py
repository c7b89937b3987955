"""Reads the records of trials from disk: `trial.json`, `result.json` and metric files."""

from __future__ import annotations

import json
import math
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from analysis.errors import AnalysisError, SkippedWarning
from analysis.records.imported import IMPORTED, in_blocks, is_judged_by_training, with_programs
from analysis.records.manifest import manifest_if_whole
from analysis.records.pairs import combined, read_pairs
from analysis.records.shards import Group, Remark, find_groups, incomplete, name_in, without_copies
from dqn_exp.config import DONE_BEFORE, ConfigError, flat
from dqn_exp.runs import (
    DESCRIPTION,
    MANIFEST,
    RESULT,
    ReadJson,
    TornMetrics,
    attempts_of,
    is_locked,
    metrics_path,
    read_columns,
    read_description,
    read_json,
    read_object,
)
from dqn_exp.scores import Floats

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
"""A folder that holds trials, or several folders."""
Value = str | int | float | bool | None
Curve = dict[str, Floats]
"""One metrics file: column name -> values [rows]; all columns have the same length."""
ReadColumns = Callable[[Path], Curve]
"""`read_columns`, or a function with the same results, errors and warnings."""

UNFINISHED = ("running", "interrupted")
"""Statuses of trials whose result does not yet hold their final clock."""

TOTALS = {"episodes": "episode", "env_steps": "env_step", "updates": "update"}
"""For each clock, its name in a result and its column in metric files."""


class Skipped(NamedTuple):
    run: str
    reason: str
    status: str = "unreadable"
    """For shards "repeated", "differs" or "missing"."""


@dataclass(frozen=True)
class RecordedTrial:
    directory: Path
    run: str
    """The directory, relative to the path that was read ("." if it is that path). If several paths were read,
    it is relative to their common parent."""
    record: Mapping[str, Any]
    """`trial.json` without the configuration."""
    result: Mapping[str, Any]
    config: Mapping[str, Value]
    """Configuration values by dotted name."""
    status: str

    @property
    def environment(self) -> str:
        """The environment's id; "an unknown environment" if a log lacks it."""
        return str(self.config.get("env.id") or "an unknown environment")

    @property
    def imported(self) -> Mapping[str, Any] | None:
        """The source of an imported trial (its logs and program); None if dqn_exp trained it."""
        return self.record.get(IMPORTED)

    def number(self, name: str) -> float:
        """A number of the result, as last recorded; NaN if there is none."""
        value = self.result.get(name)
        return math.nan if value is None else float(value)


def as_list(paths: Paths) -> list[Path]:
    """`paths` as a list; if there are several, as absolute paths. Raises AnalysisError if there is none."""
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not several:
        raise AnalysisError("no folder was given")
    return [Path(path) if len(several) == 1 else Path(path).absolute() for path in several]


def common_root(paths: Sequence[Path]) -> Path:
    """The folder to which the names of trials (`run`) are relative."""
    return paths[0] if len(paths) == 1 else Path(os.path.commonpath(paths))


def find_trials(path: Path) -> list[Path]:
    """Directories below `path` (or `path` itself) that hold a trial, in natural order.

    Trials that were started for a later look than those taken so far are left out, because their number
    depends on the machine. Raises AnalysisError if `path` is not a directory, or if this version does not
    know the format of a `sweep.json` in it.
    """
    if not path.is_dir():
        raise AnalysisError(f"{path} is not a directory")
    return sorted(_walk(path), key=lambda found: natural_key(str(found)))


def _walk(path: Path) -> Iterator[Path]:
    ahead = set[Path]()
    for folder, subfolders, files in os.walk(path):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]  # of copies under way
        if MANIFEST in files:
            ahead |= {Path(folder, name) for name in _begun_ahead(Path(folder))}
        if DESCRIPTION in files:
            subfolders.clear()
            if Path(folder) not in ahead:
                yield Path(folder)


def _begun_ahead(sweep: Path) -> list[str]:
    return list(manifest_if_whole(sweep).get("ahead", ()))


def natural_key(text: str) -> list[tuple[int, float, str]]:
    """A sort key that puts "seed=10" after "seed=9"."""
    parts = re.split(r"(\d+(?:\.\d+)?)", text)
    return [(0, float(part), "") if index % 2 else (1, 0.0, part) for index, part in enumerate(parts)]


def slug(text: str) -> str:
    """`text` as part of a file name."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text)[:80]


def read_trial(directory: Path, root: Path, read: ReadJson = read_json) -> RecordedTrial:
    """Read one trial. Raises ValueError or OSError if its records cannot be read.

    The error is a ConfigError if this version does not know the format of `trial.json`.
    """
    record = read_description(directory, read)
    attempts_of(record)  # raises if the attempts cannot be read
    config = record.pop("config")
    config = flatten(config) if IMPORTED in record else by_name(config)
    run = str(directory.relative_to(root))
    result = result_content(directory, read)
    ended = status(directory, result)
    if ended in UNFINISHED:
        result = {**result, **last_clock(directory)}
    return RecordedTrial(directory, run, record, result, config, ended)


def result_content(directory: Path, read: ReadJson = read_json) -> Mapping[str, Any]:
    """The content of `result.json` with all of its keys; empty if there is no such file.

    `dqn_exp.runs.read_result` accepts only the keys of a `Result`. Records of other programs lack numbers.
    """
    path = directory / RESULT
    return read_object(path, read) if path.exists() else {}


def last_clock(directory: Path) -> dict[str, float]:
    """The clocks of an unfinished trial at its last complete episode.

    Damage of the episodes file is ignored here. It is reported when the episodes are read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TornMetrics)
            columns = _columns(directory, "episodes")
    except (OSError, ValueError):
        return {}
    return {total: float(columns[name][-1]) for total, name in TOTALS.items()} if columns else {}


def _columns(directory: Path, kind: str, read: ReadColumns = read_columns) -> Curve:
    """A metrics file by column; empty if it has no rows yet. Warns and raises like `read_columns`."""
    columns = read(metrics_path(directory, kind))
    return columns if any(map(len, columns.values())) else {}


def read_trials(paths: Paths, skipped: list[Skipped], read: ReadJson = read_json) -> list[RecordedTrial]:
    """All trials below `paths`, each once. Trials that cannot be read are added to `skipped`.

    Raises AnalysisError for a path without trials, or if this version does not know the format of a
    `sweep.json`.
    """
    folders = as_list(paths)
    root, directories = common_root(folders), list[Path]()
    for folder in folders:
        trial_directories = find_trials(folder)
        if not trial_directories:
            raise AnalysisError(f"{folder} holds no trials (no {DESCRIPTION} in it or below it)")
        directories += trial_directories
    directories = list(dict.fromkeys(directories))
    groups = find_groups(directories, folders)
    directories, repeated = without_copies(directories, groups, root)
    planned = dict.fromkeys([*folders, *(group.roots[0] for group in groups)])
    trials, pairs = list[RecordedTrial](), [pair for folder in planned for pair in read_pairs(folder)]
    for directory in directories:
        try:
            trial = read_trial(directory, root, read)
            trials.append(replace(trial, config=combined(trial.config, pairs)))
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            kind = "" if isinstance(error, ConfigError) else f"{type(error).__name__}: "
            reason = f"its records cannot be read: {kind}{error}"
            skipped.append(Skipped(str(directory.relative_to(root)), reason))
    skipped += (Skipped(*remark) for remark in [*repeated, *_missing(groups, trials)])
    configs = with_programs([trial.config for trial in trials], [bool(trial.imported) for trial in trials])
    return [replace(trial, config=config) for trial, config in zip(trials, configs, strict=True)]


def _missing(groups: Sequence[Group], trials: Sequence[RecordedTrial]) -> Iterator[Remark]:
    """Remarks on missing trials of the shards in `groups`."""
    for group in groups:
        named = ((name_in(group, trial.directory), trial.status not in UNFINISHED) for trial in trials)
        yield from incomplete(group, {name: is_over for name, is_over in named if name is not None})


def status(directory: Path, result: Mapping[str, Any]) -> str:
    """The status of a trial by its `result`. A running trial whose lock nobody holds was interrupted."""
    recorded = str(result.get("status", "running"))
    return "interrupted" if recorded == "running" and not is_locked(directory) else recorded


def by_name(config: Mapping[str, Any]) -> dict[str, Value]:
    """A recorded configuration by dotted names.

    A key that did not exist when it was written gets the value that describes the behaviour of that time.
    """
    return {**_done_before(), **flatten(config)}


@cache
def _done_before() -> dict[str, Value]:
    return flatten(DONE_BEFORE)


def flatten(values: Mapping[str, Any]) -> dict[str, Value]:
    """Nested configuration to dotted names; lists become readable text ("64-64")."""
    names = ((sys.intern(name), value) for name, value in flat(values))  # once for thousands of trials
    return {name: _list_text(value) if isinstance(value, list) else value for name, value in names}


def _list_text(values: list[Any]) -> str:
    if not values:
        return "none"
    if all(isinstance(value, int | float) for value in values):
        return "-".join(map(str, values))
    return ", ".join(value if isinstance(value, str) else json.dumps(value) for value in values)


def read_curve(
    trial: RecordedTrial, kind: str, skipped: list[Skipped], read: ReadColumns = read_columns
) -> Curve | None:
    """A metrics file of `trial`. If the file is damaged, returns None and adds a reason to `skipped`.

    A file that does not exist yet counts as empty. A torn last line is left out and added to `skipped`.
    """
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", TornMetrics)
            columns = _columns(trial.directory, kind, read)
    except (ValueError, OSError) as error:
        skipped.append(Skipped(trial.run, f"damaged {kind}: {error}"))
        return None
    skipped.extend(Skipped(trial.run, str(warning.message)) for warning in caught)
    return columns


def read_evaluations(
    trial: RecordedTrial, skipped: list[Skipped], read: ReadColumns = read_columns
) -> Curve | None:
    """The evaluations that judge the convergence of `trial`, or blocks of its training episodes instead."""
    if not is_judged_by_training(trial.config):
        return read_curve(trial, "evaluations", skipped, read)
    episodes = read_curve(trial, "episodes", skipped, read)
    return None if episodes is None else in_blocks(episodes)


def warn_about(skipped: list[Skipped]) -> None:
    for run, reason, _ in skipped:
        warnings.warn(f"{run}: {reason}", SkippedWarning, stacklevel=3)
