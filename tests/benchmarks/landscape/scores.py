"""Reads and writes the file with the scores of our trials of all landscapes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis import load_runs
from dqn_exp.runs import code
from tests.benchmarks.landscape.reference import Landscape

FILE = Path(__file__).parents[3] / "docs" / "landscape.csv"
TRIAL = ["environment", "configuration", "seed"]
COLUMNS = [*TRIAL, "score", "program"]


def read(file: Path) -> pd.DataFrame:
    """One row per trial that has ended."""
    return pd.read_csv(file) if file.exists() else pd.DataFrame(columns=COLUMNS)


def table(file: Path, landscape: Landscape, seeds: int) -> pd.DataFrame:
    """Scores of the configurations whose first `seeds` seeds are trained: a row each, a column per seed."""
    rows = read(file)
    rows = rows[rows["environment"] == landscape.name]
    wide = rows.pivot(index="configuration", columns="seed", values="score")
    return wide.reindex(columns=range(seeds)).dropna()


def add(file: Path, landscape: Landscape, settings: pd.DataFrame, sweep: Path) -> None:
    """Add the trials of `sweep` that have a score, in place of what `file` had of the same trials."""
    by_rate = settings.set_index("learning_rate")["configuration"]
    runs = load_runs(sweep)
    runs = runs[runs["final_return"].notna() & runs["lr"].isin(by_rate.index)]
    found = pd.DataFrame(
        {
            "environment": landscape.name,
            "configuration": runs["lr"].map(by_rate),  # no two configurations share a learning rate
            "seed": runs["seed"],
            "score": runs["final_return"],
            "program": code.source(),
        }
    )
    rows = pd.concat([read(file), found]) if file.exists() else found
    rows.drop_duplicates(TRIAL, keep="last").sort_values(TRIAL).to_csv(file, index=False)
