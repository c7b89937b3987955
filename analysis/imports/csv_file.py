"""Reads CSV files; error messages name file, line and column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.records import natural_key
from dqn_exp.scores import Floats

ENDINGS = (".csv", ".csv.gz", ".csv.xz", ".csv.bz2")


def find_files(path: Path) -> list[Path]:
    """The CSV files in or below `path`, including compressed ones."""
    files = [path] if path.is_file() else [file for file in path.rglob("*.csv*") if file.is_file()]
    return sorted((f for f in files if f.name.endswith(ENDINGS)), key=lambda file: natural_key(str(file)))


def header(file: Path) -> list[str]:
    """The column names of a CSV file. Raises AnalysisError for another kind of file."""
    return list(map(str, _read(file, nrows=0).columns))


def read(file: Path) -> pd.DataFrame:
    """The whole CSV file. Raises AnalysisError for another kind of file, or one without rows."""
    table = _read(file)
    if table.empty:
        raise AnalysisError(f"{file} has no rows; allowed: a header line and a line for each moment")
    return table


def _read(file: Path, nrows: int | None = None) -> pd.DataFrame:
    try:
        return pd.read_csv(file, nrows=nrows, low_memory=False)
    except (ValueError, OSError, EOFError) as error:  # pandas raises ValueError for bad text
        raise AnalysisError(
            f"{file}: {' '.join(str(error).split())}; allowed: CSV with a header line"
        ) from None


def numbers(file: Path, table: pd.DataFrame, name: str) -> Floats:
    """A column as numbers [rows]; NaN for an empty cell. Raises AnalysisError for a cell with other text."""
    cells = table[name]
    values = pd.to_numeric(cells, errors="coerce")
    wrong = np.flatnonzero((values.isna() & cells.notna()).to_numpy())
    if len(wrong):
        raise AnalysisError(
            f"{file}, line {int(wrong[0]) + 2}, column {name}: {str(cells.iloc[wrong[0]])[:60]!r}; "
            f"allowed: a number"
        )
    return values.to_numpy(dtype=np.float64)
