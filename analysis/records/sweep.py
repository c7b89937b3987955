"""A whole sweep, read once: its trials, its axes, and which trials count as evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.records.axes import ALL, Axis, find_axes, with_unknown_values
from analysis.records.convergence import in_a_row, obstacle
from analysis.records.disk import (
    Curve,
    Paths,
    RecordedTrial,
    Skipped,
    Value,
    as_list,
    common_root,
    read_evaluations,
    read_trials,
    result_content,
    status,
)
from analysis.records.imported import is_judged_by_training
from analysis.records.plan import Plan, Planned, planned_config, read_plans
from analysis.records.rows import Row, make_row
from analysis.records.timeline import Timeline, timelines_of
from dqn_exp.runs import NEVER
from dqn_exp.text import format_count, format_value

ENDED = ("converged", "exhausted", "diverged")
"""Statuses of complete trials. Trials with another status are listed but left out of statistics."""

UNDER_WAY = ("running", "interrupted")


class LeftOut(NamedTuple):
    run: str
    status: str
    reason: str


@dataclass(frozen=True)
class Sweep:
    paths: Sequence[Path]
    """The folders that were read, usually one."""
    trials: Sequence[RecordedTrial]
    rows: Sequence[Row]
    evaluations: Mapping[str, Curve | None]
    plans: Sequence[Plan]
    """One plan for each of the `paths`, but a single one for paths that hold shards of the same sweep."""
    skipped: list[Skipped]

    @cached_property
    def axes(self) -> list[Axis]:
        """The axes that the sweep varies, including those varied by failed trials without a record.

        Never empty: `ALL` stands for a sweep without axes.
        """
        return find_axes([*(trial.config for trial in self.trials), *self.unrecorded]) or [ALL]

    def by_environment(self) -> dict[str, Sweep]:
        """A sweep for each environment id. Only the whole sweep lists planned trials without a record."""
        sweeps: dict[str, Sweep] = {}
        plans = [plan._replace(trials=[]) for plan in self.plans]
        for name in dict.fromkeys(trial.environment for trial in self.trials):
            is_in_environment = [trial.environment == name for trial in self.trials]
            sweeps[name] = replace(self.where(is_in_environment), plans=plans)
        return sweeps

    def by_path(self) -> dict[str, Sweep]:
        """A sweep for each folder that was read, by its name, or by its path if names are not unique.

        Folders with shards of one sweep count as one. Only the whole sweep lists planned trials without a
        record.
        """
        folders = dict[Path, list[Path]]()
        for path in self.paths:
            first = next((plan.root for plan in self.plans if path in plan.roots), path)
            folders.setdefault(first, []).append(path)
        names = [first.name for first in folders]
        unique = names if len(set(names)) == len(names) else list(map(str, folders))
        return {
            name: replace(
                self.where([any(map(trial.directory.is_relative_to, own)) for trial in self.trials]),
                plans=[plan._replace(trials=[]) for plan in self.plans if plan.root == first],
            )
            for name, (first, own) in zip(unique, folders.items(), strict=True)
        }

    def where(self, kept: Sequence[bool]) -> Sweep:
        """The sweep with only some of its trials: `kept` [trials]."""
        return replace(self, trials=list(compress(self.trials, kept)), rows=list(compress(self.rows, kept)))

    @cached_property
    def unrecorded(self) -> list[Mapping[str, Value]]:
        """Known configurations of planned trials that failed before they left a record."""
        failed = [(plan, trial) for plan, trial in self._lost.values() if _cause(plan.place(trial.name))]
        known = (planned_config(self._configs_in(plan), trial) for plan, trial in failed)
        return [config for config in known if config is not None]

    def _configs_in(self, plan: Plan) -> list[Mapping[str, Value]]:
        roots = plan.roots or (plan.root,)
        return [trial.config for trial in self.trials if any(map(trial.directory.is_relative_to, roots))]

    @cached_property
    def left_out(self) -> list[LeftOut]:
        """Trials that are listed but not counted as evidence, each with the reason."""
        repeated = self._repeats()
        reasons = (_reason(row, repeated) for row in self.rows)
        rows = zip(self.rows, reasons, strict=True)
        return [LeftOut(row["run"], row["status"], reason) for row, reason in rows if reason]

    @cached_property
    def ahead(self) -> list[LeftOut]:
        """Trials that were started for a later look than those taken so far. They have no row."""
        root, reason = common_root(self.paths), "started for a later look"
        begun = [plan.root / name for plan in self.plans for name in plan.ahead]
        return [
            LeftOut(str(directory.relative_to(root)), _status(directory), reason)
            for directory in begun
            if directory.is_dir()
        ]

    def _repeats(self) -> dict[str, str]:
        """Trials with the configuration and seed of an earlier one, which are no further evidence.

        Maps the run of each to the run of the earlier trial.
        """
        first: dict[object, str] = {}
        hashes = ((trial.run, trial.record.get("config_hash")) for trial in self.trials)
        pairs = [(run, first.setdefault(key, run)) for run, key in hashes if key is not None]
        return {run: original for run, original in pairs if run != original}

    @cached_property
    def counted(self) -> list[Row]:
        """The rows that count as evidence; statistics are computed from these."""
        excluded = {entry.run for entry in self.left_out}
        return [row for row in self.rows if row["run"] not in excluded]

    def counts(self, row: Row) -> bool:
        """Is this row among the counted ones?"""
        return row["run"] in self._counted_runs

    @cached_property
    def _counted_runs(self) -> frozenset[str]:
        return frozenset(row["run"] for row in self.counted)

    @cached_property
    def by_training(self) -> list[Row]:
        """The rows whose convergence is judged by training episodes, because there are no evaluations."""
        return [row for row in self.rows if is_judged_by_training(row)]

    @property
    def judged(self) -> bool:
        """Can convergence be judged in this sweep?"""
        return self.obstacle is None

    @cached_property
    def obstacle(self) -> str | None:
        """Why convergence cannot be judged in this sweep; None if it can."""
        if not self.counted:
            return "no trial counts as evidence"
        obstacles = list(filter(None, map(obstacle, self.counted)))
        if obstacles:
            return f"{obstacles[0]}{self._share(len(obstacles))}"
        if any(row["status"] == NEVER for row in self.counted):
            return None
        counts = [len((self.evaluations[row["run"]] or {}).get("env_step", ())) for row in self.counted]
        required = list(map(in_a_row, self.counted))
        if any(count >= minimum for count, minimum in zip(counts, required, strict=True)):
            return None
        requirement = format_count(min(required), "consecutive evaluation")
        return f"convergence needs {requirement}; no trial had more than {max(counts)}"

    def _share(self, count: int) -> str:
        """The number of affected trials as text; empty if all counted trials are affected."""
        return f" (in {count} of {len(self.counted)} trials)" if count < len(self.counted) else ""

    @cached_property
    def timelines(self) -> list[Timeline]:
        """The timelines on which the times of all trials are known; one with a common budget comes first."""
        return timelines_of(self.counted)

    @cached_property
    def taken_from(self) -> Counter[str]:
        """The number of trials that were taken from another folder instead of trained, by that folder."""
        return Counter(origin for _, origin in self._origins if origin is not None)

    @cached_property
    def extends_taken_configurations(self) -> bool:
        """Does any configuration have trials from more than one place (trained here, or another folder)?"""
        origins: dict[object, set[str | None]] = {}
        for cell, origin in self._origins:
            origins.setdefault(cell, set()).add(origin)
        return any(len(known) > 1 for known in origins.values())

    @cached_property
    def _origins(self) -> list[tuple[object, str | None]]:
        """Configuration and folder of origin of each trial; the folder is None if it was trained here.

        If a trial and its copy are read together, only the first of the two is in the list.
        """
        repeated = self._repeats()
        rows = [row for row in self.rows if row["run"] not in repeated]
        cells = zip(*(axis.codes(rows).tolist() for axis in self.axes), strict=True)
        origins = (row["origin"] and str(Path(row["origin"]).parent) for row in rows)
        return list(zip(cells, origins, strict=True))

    @cached_property
    def missing(self) -> list[Skipped]:
        """Planned trials without a record, and why. Those that no shard has begun are in `shards` instead."""
        return [
            Skipped(run, _why_missing(plan.place(trial.name)))
            for run, (plan, trial) in self._lost.items()
            if trial.name not in plan.shards or _cause(plan.place(trial.name))
        ]

    @cached_property
    def shards(self) -> list[Skipped]:
        """Shards with missing trials, and trials that several shards trained with different results."""
        return [entry for entry in self.skipped if entry.status in ("missing", "differs")]

    @cached_property
    def _lost(self) -> dict[str, tuple[Plan, Planned]]:
        """Planned trials without a record, each with its plan, by run."""
        recorded = {trial.run for trial in self.trials} | {entry.run for entry in self.skipped}
        root = common_root(self.paths)
        planned = [(plan, trial) for plan in self.plans for trial in plan.trials]
        return {
            str(plan.place(trial.name).relative_to(root)): (plan, trial)
            for plan, trial in planned
            if recorded.isdisjoint(str(place.relative_to(root)) for place in plan.places(trial.name))
        }

    def reference(self, axis: Axis) -> tuple[int, str]:
        """The index of the reference value, and why it is the reference. It has counted trials.

        If some values were tried with the same settings of the other axes, it is one of these.
        """
        codes = self._comparable_codes(axis) or np.unique(axis.codes(self.counted)).tolist() or [0]
        values = [axis.values[code] for code in codes]
        defaults = {plan.defaults[axis.name] for plan in self.plans if axis.name in plan.defaults}
        default = defaults.pop() if len(defaults) == 1 else _NO_DEFAULT
        if default in values:
            return codes[values.index(default)], "the default"
        if axis.numeric and isinstance(default, int | float):
            gaps = np.abs(np.array(values, dtype=float) - default)
            return codes[int(gaps.argmin())], f"the value nearest to the default, {format_value(default)}"
        return codes[0], "the first value"

    def _comparable_codes(self, axis: Axis) -> list[int]:
        """The indices of the values that share a stratum with another value, in counted trials."""
        pairs = np.unique(np.stack([self.strata(axis, self.counted), axis.codes(self.counted)]), axis=1)
        _, place, sizes = np.unique(pairs[0], return_inverse=True, return_counts=True)
        codes: list[int] = np.unique(pairs[1][sizes[place] > 1]).tolist()
        return codes

    @cached_property
    def observed(self) -> list[Row]:
        """The counted rows, and those of running or interrupted trials, censored where they stand.

        Without the latter, values that converge quickly would be favoured, because their trials end first.
        """
        repeated = self._repeats()
        under_way = [
            row for row in self.rows
            if row["status"] in UNDER_WAY and not row["problem"] and row["run"] not in repeated
            and row["env_steps"] > 0
        ]  # fmt: skip
        return [*self.counted, *under_way]

    def strata(self, axis: Axis, rows: Sequence[Row]) -> NDArray[np.int64]:
        """A code for each of `rows`, equal if they agree on all other axes: [rows]."""
        others = [other.codes(rows) for other in self.axes if other is not axis]
        if not others:
            return np.zeros(len(rows), dtype=np.int64)
        return np.unique(np.stack(others), axis=1, return_inverse=True)[1].ravel()


_NO_DEFAULT = object()


def read_sweep(paths: Paths) -> Sweep:
    """Read the records of the trials in or below `paths`, except episodes and losses.

    Raises AnalysisError if no trial can be read.
    """
    folders, skipped = as_list(paths), list[Skipped]()
    trials = read_trials(folders, skipped)
    if not trials:
        named = ", ".join(map(str, folders))
        raise AnalysisError(f"{named}: none of its trials can be read: {skipped[0].reason}")
    trials = with_unknown_values(trials)
    evaluations = {trial.run: read_evaluations(trial, skipped) for trial in trials}
    rows = [make_row(trial, evaluations[trial.run]) for trial in trials]
    plans = read_plans(folders, [trial.directory for trial in trials], skipped)
    return Sweep(folders, trials, rows, evaluations, plans, skipped)


def _status(directory: Path) -> str:
    """The status of a trial of which only the result is read."""
    try:
        return status(directory, result_content(directory))
    except (OSError, ValueError):
        return "unreadable"


def _cause(directory: Path) -> str | None:
    """The cause of failure of a trial without `trial.json`; None if there is none."""
    try:
        return result_content(directory).get("cause")
    except (OSError, ValueError):
        return None


def _why_missing(directory: Path) -> str:
    cause = _cause(directory)
    return f"failed before training: {cause}" if cause else "planned, but never started"


def _reason(row: Row, repeated: Mapping[str, str]) -> str | None:
    if row["problem"]:
        return str(row["problem"])
    if row["status"] not in ENDED:
        return str(row["cause"] or _MEANING.get(row["status"], "unknown status"))
    if row["run"] in repeated:
        return f"the same configuration and seed as {repeated[row['run']]}"
    return None


_MEANING = {
    "running": "still running",
    "interrupted": "stopped before its end; the same command continues it",
    "failed": "an error in the program",
    "pruned": "stopped early by the study, because it did badly",
}
