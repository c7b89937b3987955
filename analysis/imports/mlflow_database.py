"""MLflow's SQLite databases, such as our tracker writes: tables `runs`, `params` and `metrics`."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from analysis.errors import AnalysisError

SUFFIXES = (".db", ".sqlite", ".sqlite3")
HEADER = b"SQLite format 3\0"
TABLES = {"runs", "params", "metrics"}


class MLflowRun(NamedTuple):
    """One run as MLflow stores it."""

    identity: str
    title: str
    status: str
    """FINISHED, FAILED, KILLED, RUNNING or SCHEDULED."""
    parameters: Mapping[str, str]
    metrics: Mapping[str, list[tuple[float, float]]]
    """Steps and values of each metric, in the order of their steps."""


def find_databases(path: Path) -> list[Path]:
    """The databases of MLflow that `path` is, or that are in or below it."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sorted(file for file in files if file.suffix in SUFFIXES and _is_of_mlflow(file))


def read_database(file: Path) -> Iterator[MLflowRun]:
    """The runs that were not deleted. Raises AnalysisError if the database cannot be read."""
    try:
        with closing(_open(file)) as database:
            runs = database.execute(
                "SELECT run_uuid, name, status FROM runs WHERE lifecycle_stage = 'active' "
                "ORDER BY start_time, run_uuid"
            ).fetchall()
            for identity, title, status in runs:
                parameters = dict(
                    database.execute("SELECT key, value FROM params WHERE run_uuid = ?", (identity,))
                )
                yield MLflowRun(identity, title or identity, status, parameters, _metrics(database, identity))
    except sqlite3.Error as error:
        raise AnalysisError(f"{file}: {error}; allowed: a database as MLflow writes it") from None


def _metrics(database: sqlite3.Connection, identity: str) -> dict[str, list[tuple[float, float]]]:
    points = database.execute(
        "SELECT key, step, value, is_nan FROM metrics WHERE run_uuid = ? ORDER BY step, timestamp",
        (identity,),
    )
    metrics = defaultdict(list)
    for key, step, value, is_nan in points:
        metrics[key].append((float(step), float("nan") if is_nan else float(value)))
    return dict(metrics)


def _is_of_mlflow(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        if opened.read(len(HEADER)) != HEADER:
            return False
    try:
        with closing(_open(file)) as database:
            names = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error:
        return False
    return names >= TABLES


def _open(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
