"""The CSV files that Weights & Biases exports.

- A history (columns `_step` and the logged metrics) holds one run.
- The export of a panel (columns "NAME - METRIC") holds one curve of several runs.
- The export of the table of runs (columns `Name`, `State`) holds their configurations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.imports import csv_file
from analysis.imports.names import as_seed, folder_name, parse_run_name, renamed
from analysis.imports.series import COLUMNS, Logged, SeriesPoints, check_columns, is_ours, to_trial
from analysis.imports.trial import ImportedTrial, RunFacts
from analysis.records import Value
from dqn_exp.scores import Floats

BETWEEN = " - "
RANGE = ("__MIN", "__MAX")
"""Suffixes of a panel's columns for the range of its points; these columns are not read."""
STEPS = ("global_step", "env_step", "timesteps", "time/total_timesteps")
"""Known names of environment steps. W&B's own `_step` may count anything, except in runs of our tracker."""
OF_THE_TABLE = {
    *("Name", "State", "Notes", "User", "Tags", "Created", "Runtime", "Sweep", "ID", "Group", "Job Type"),
    *("Updated", "End Time", "Hostname", "GitHub", "Commit", "Start Time", "Description"),
}
OF_OUR_TRACKER = ("sweep", "configuration", "status")
"""What our tracker tells of a trial beside the values of its configuration."""
ENDS = {"crashed": "interrupted", "killed": "interrupted", "failed": "failed", "running": "interrupted"}
Series = dict[str, SeriesPoints]


def find(path: Path) -> list[Path]:
    """The files exported by W&B in or below `path`."""
    return [file for file in csv_file.find_files(path) if _kind(csv_file.header(file))]


def _kind(names: list[str]) -> str | None:
    if {"Name", "State"} <= set(names):  # first, because it may show the last _step of each run
        return "runs"
    if "_step" in names:
        return "history"
    return "panel" if len(names) > 1 and all(BETWEEN in name for name in names[1:]) else None


def read(path: Path, facts: RunFacts) -> Iterator[ImportedTrial]:
    """One trial for each run. Raises AnalysisError for a file that cannot be read."""
    check_columns(facts, COLUMNS)
    runs: dict[str, Series] = {}
    places: dict[str, Path] = {}
    known: dict[str, dict[str, Value]] = {}
    for file in find(path):
        table, kind = csv_file.read(file), _kind(csv_file.header(file))
        if kind == "runs":
            _learn(known, file, table)
            continue
        series_by_run = (
            {file.stem: _history(file, table, facts)} if kind == "history" else _panel(file, table, facts)
        )
        for name, series in series_by_run.items():
            runs.setdefault(name, {}).update(series)
            places.setdefault(name, file)
    if not runs:
        raise AnalysisError(
            f"{path} holds a table of runs without their curves; allowed: exports of panels or histories "
            f"beside it"
        )
    for name, series in runs.items():
        yield to_trial(_logged(name, places[name], series, known.get(folder_name(name, "_"), {})), facts)


def _learn(known: dict[str, dict[str, Value]], file: Path, table: pd.DataFrame) -> None:
    """Add what the table of runs says of each run, by its name and its ID, both as names of files.

    Raises AnalysisError if two runs with different values have the same name.
    """
    for _, row in table.iterrows():
        values = _table_values(row)
        for name in {str(row[column]) for column in ("Name", "ID") if column in row}:
            if known.setdefault(folder_name(name, "_"), values) != values:
                raise AnalysisError(f"{file}: two runs have the name {name}; allowed: different names")


def _logged(name: str, file: Path, series: Series, values: Mapping[str, Value]) -> Logged:
    by_name, seed = parse_run_name(name)
    other = {"State", *(OF_OUR_TRACKER if is_ours(series) else ())}
    own = {key: value for key, value in values.items() if key not in series and key not in other}
    known = as_seed(own.pop("seed", None))
    status = ENDS.get(str(values.get("State")), "exhausted")
    return Logged(
        name.replace("/", "_"),
        file,
        "W&B",
        {**by_name, **renamed(own)},
        seed if known is None else known,
        series,
        complete=False,  # an export may be a sample
        status=status,
        cause=None if status == "exhausted" else f"W&B calls this run {values.get('State')}",
    )


def _table_values(row: pd.Series) -> dict[str, Value]:
    """The configuration and state of a run, from its line in the table of runs."""
    plain = {str(name): _plain(value) for name, value in row.items() if pd.notna(value)}
    names = {
        name for name in plain if name not in OF_THE_TABLE and not name.startswith("_") and "/" not in name
    }
    return {name: plain[name] for name in plain if name in names - set(STEPS) | {"State"}}


def _plain(value: object) -> Value:
    """A cell as a plain Python value instead of a NumPy type."""
    plain = value.item() if isinstance(value, np.generic) else value
    return plain if isinstance(plain, bool | int | float | str) else str(plain)


def _history(file: Path, table: pd.DataFrame, facts: RunFacts) -> Series:
    clock = _clock(file, list(map(str, table.columns)), facts)
    steps = csv_file.numbers(file, table, clock)
    metrics = [str(name) for name in table.select_dtypes("number").columns if str(name) != clock]
    metrics += [
        name for role, name in facts.columns.items() if name in table and name not in (*metrics, clock)
    ]
    return {name: _known(steps, csv_file.numbers(file, table, name)) for name in metrics}


def _panel(file: Path, table: pd.DataFrame, facts: RunFacts) -> dict[str, Series]:
    clock = _clock(file, [str(table.columns[0])], facts)
    steps = csv_file.numbers(file, table, clock)
    series_by_run: dict[str, Series] = {}
    for column in map(str, table.columns[1:]):
        name, _, metric = column.rpartition(BETWEEN)
        if not metric.endswith(RANGE) and metric != "_step":
            series_by_run.setdefault(name, {})[metric] = _known(steps, csv_file.numbers(file, table, column))
    return series_by_run


def _clock(file: Path, names: list[str], facts: RunFacts) -> str:
    """The column that counts environment steps or episodes. Raises AnalysisError if it is unknown."""
    own = facts.columns.get("env_step") or facts.columns.get("episode")
    allowed = [own] if own else [*STEPS, *(["_step"] if is_ours(names) else [])]
    clock = next((name for name in allowed if name in names), None)
    if clock is None:
        raise AnalysisError(
            f"{file}: no column {' or '.join(allowed)} of environment steps among {', '.join(names[:8])}; "
            f"allowed: --columns env_step=NAME (or episode=NAME), if one of them counts that"
        )
    return clock


def _known(steps: Floats, values: Floats) -> SeriesPoints:
    """The known points of a series, in order."""
    known = ~(np.isnan(values) | np.isnan(steps))
    order = np.argsort(steps[known], kind="stable")
    return SeriesPoints(steps[known][order], values[known][order])
