"""MLflow's runs: in its file store (`mlruns/EXPERIMENT/RUN/` with `meta.yaml`, ...), or in a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import yaml  # type: ignore[import-untyped]

from analysis.errors import AnalysisError
from analysis.imports.mlflow_database import find_databases, read_database
from analysis.imports.names import as_seed, parse_run_name, read_value, renamed
from analysis.imports.series import COLUMNS, Logged, SeriesPoints, check_columns, to_trial
from analysis.imports.trial import ImportedTrial, RunFacts
from analysis.records import natural_key

META = "meta.yaml"
STATUSES = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
"""MLflow's names of the numbers in its file store."""
ENDS = {"FAILED": "failed", "KILLED": "interrupted", "RUNNING": "interrupted", "SCHEDULED": "interrupted"}
"""Our status for those of MLflow's that did not finish."""


def find(path: Path) -> list[Path]:
    """The folders of runs and the databases in or below `path`."""
    return [*_find_folders(path), *find_databases(path)]


def read(path: Path, facts: RunFacts) -> Iterator[ImportedTrial]:
    """One trial for each run. Raises AnalysisError for a run that cannot be read."""
    check_columns(facts, COLUMNS)
    for folder in _find_folders(path):
        yield to_trial(_read_run(folder), facts)
    for file in find_databases(path):
        for run in read_database(file):
            series = {name: _points(points) for name, points in run.metrics.items()}
            yield to_trial(_logged(run.identity, run.title, run.status, run.parameters, series, file), facts)


def _find_folders(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    runs = (file.parent for file in path.rglob(META) if (file.parent / "metrics").is_dir())
    return sorted(runs, key=lambda folder: natural_key(str(folder)))


def _read_run(folder: Path) -> Logged:
    try:
        meta = yaml.safe_load((folder / META).read_text())
        identity = str(meta.get("run_id") or meta["run_uuid"])
    except (yaml.YAMLError, AttributeError, KeyError, OSError) as error:
        raise AnalysisError(f"{folder / META}: {error}; allowed: a run as MLflow writes it") from None
    parameters = {
        str(file.relative_to(folder / "params")): file.read_text().strip()
        for file in _files(folder / "params")
    }
    series = {
        str(file.relative_to(folder / "metrics")): read_metric(file) for file in _files(folder / "metrics")
    }
    title = str(meta.get("run_name") or meta.get("name") or identity)
    status = STATUSES.get(meta.get("status"), "FINISHED")
    return _logged(identity, title, status, parameters, series, folder)


def _logged(
    identity: str,
    title: str,
    ended: str,
    parameters: Mapping[str, str],
    series: Mapping[str, SeriesPoints],
    path: Path,
) -> Logged:
    values = {name: read_value(text) for name, text in parameters.items()}
    by_name, seed = parse_run_name(title)
    known = as_seed(values.pop("seed", None))
    status = ENDS.get(ended, "exhausted")
    return Logged(
        f"{title.replace('/', '_')}_{identity[:8]}",
        path,
        "MLflow",
        {**by_name, **renamed(values)},
        seed if known is None else known,
        series,
        status=status,
        cause=None if status == "exhausted" else f"MLflow calls this run {status}",
    )


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def read_metric(file: Path) -> SeriesPoints:
    """A metric file of MLflow (lines of time stamp, value and step), sorted by step. Raises AnalysisError."""
    logged_points = []
    for number, line in enumerate(file.read_text(errors="replace").splitlines(), start=1):
        try:
            _, value, step, *_ = line.split()
            logged_points.append((float(step), float(value)))
        except ValueError:
            raise AnalysisError(
                f"{file}, line {number}: {line[:60]!r}; allowed: time stamp, value and step"
            ) from None
    return _points(logged_points)


def _points(steps_and_values: list[tuple[float, float]]) -> SeriesPoints:
    points = np.array(steps_and_values, dtype=np.float64).reshape(-1, 2)
    points = points[np.argsort(points[:, 0], kind="stable")]
    return SeriesPoints(points[:, 0], points[:, 1])
