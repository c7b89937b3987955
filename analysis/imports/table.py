"""A CSV file with named columns and one line for each moment of each run, like published landscapes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.imports import csv_file
from analysis.imports.names import as_seed, renamed
from analysis.imports.series import check_columns
from analysis.imports.trial import Columns, ImportedTrial, RunFacts

ROLES = {
    "run": ("run", "run_id", "trial", "trial_id"),
    "seed": ("seed",),
    "env_step": ("env_step", "env_steps", "global_step", "timesteps", "step", "steps", "budget"),
    "episode": ("episode",),
    "return": ("return", "episodic_return", "episode_return", "episode_reward"),
    "length": ("length", "episodic_length", "episode_length"),
    "mean_return": ("mean_return", "performance", "mean_reward", "eval_return"),
    "std_return": ("std_return", "std_reward"),
    "n_episodes": ("n_episodes",),
}
"""For each of our columns, the known names. All other columns are configuration."""
CLOCKS = ("env_step", "episode")
EPISODES = (*CLOCKS, "return", "length")
EVALUATIONS = (*CLOCKS, "mean_return", "std_return", "n_episodes")


def find(path: Path) -> list[Path]:
    """The CSV files in or below `path`."""
    return csv_file.find_files(path)


def read(path: Path, facts: RunFacts) -> Iterator[ImportedTrial]:
    """One trial for each run and seed of each file. Raises AnalysisError for a file that cannot be read."""
    check_columns(facts, ROLES)
    files = find(path)
    for file in files:
        inner = f"{file.name.partition('.csv')[0]}/" if len(files) > 1 else ""
        yield from _read_file(file, inner, facts)


def _read_file(file: Path, inner: str, facts: RunFacts) -> Iterator[ImportedTrial]:
    table = csv_file.read(file)
    table.columns = table.columns.astype(str)
    roles = _roles(file, list(table.columns), facts)
    for role in (*EPISODES, *EVALUATIONS):
        if role in roles:
            table[roles[role]] = csv_file.numbers(file, table, roles[role])
    others = [name for name in table.columns if name not in roles.values()]
    keys = [roles[role] for role in ("run", "seed") if role in roles]
    if "run" not in roles:
        keys += others
    groups = [rows for _, rows in table.groupby(keys, sort=False, dropna=False)] if keys else [table]
    if len(groups) == len(table) > 1:
        raise AnalysisError(
            f"{file}: every line is a separate run, by {', '.join(keys)}; allowed: a column that names the "
            f"run (--columns run=NAME)"
        )
    for number, rows in enumerate(groups):
        yield _trial(file, inner, roles, others, rows, number)


def _roles(file: Path, names: list[str], facts: RunFacts) -> dict[str, str]:
    """The column for each role. Raises AnalysisError if returns or a clock are missing."""
    columns = {role: name for role, known in ROLES.items() for name in reversed(known) if name in names}
    columns |= facts.columns
    unknown = [name for name in columns.values() if name not in names]
    if unknown:
        raise AnalysisError(f"{file} has no column {unknown[0]}; allowed: {', '.join(names)}")
    if not columns.keys() & set(CLOCKS) or not columns.keys() & {"return", "mean_return"}:
        raise AnalysisError(
            f"{file}: columns {', '.join(names)}; allowed: a clock (env_step or episode) and returns (return "
            f"of training episodes, or mean_return of evaluations); if they have other names, give these by "
            f"--columns env_step=NAME mean_return=NAME"
        )
    return columns


def _trial(
    file: Path, inner: str, roles: dict[str, str], others: list[str], rows: pd.DataFrame, number: int
) -> ImportedTrial:
    constant = {name: _plain(rows[name].iloc[0]) for name in others if rows[name].nunique(dropna=False) == 1}
    labels = [f"{name}={_plain(rows[name].iloc[0])}" for role in ("run", "seed") if (name := roles.get(role))]
    return ImportedTrial(
        inner + ",".join(labels if "run" in roles else [f"run={number}", *labels]).replace("/", "_"),
        "CSV",
        file,
        renamed(constant),
        as_seed(_plain(rows[roles["seed"]].iloc[0])) if "seed" in roles else None,
        _curve(rows, roles, EPISODES, "return"),
        _curve(rows, roles, EVALUATIONS, "mean_return"),
    )


def _curve(rows: pd.DataFrame, roles: dict[str, str], wanted: tuple[str, ...], value: str) -> Columns:
    """The columns of a curve in the order of its clock; {} if the column `value` is missing."""
    if value not in roles:
        return {}
    columns = {role: rows[roles[role]].to_numpy(dtype=np.float64) for role in wanted if role in roles}
    clock = next(columns[name] for name in CLOCKS if name in columns)
    known = ~np.isnan(columns[value])
    order = np.argsort(clock[known], kind="stable")
    return {role: values[known][order] for role, values in columns.items()} if known.any() else {}


def _plain(value: Any) -> Any:
    """A cell as a plain Python value instead of a NumPy type."""
    return value.item() if isinstance(value, np.generic) else value
