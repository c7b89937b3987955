"""MLflow's file store: `mlruns/EXPERIMENT/RUN/` with `meta.yaml`, `metrics/`, `params/` and `tags/`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml  # type: ignore[import-untyped]

from analysis.errors import AnalysisError
from analysis.imports.names import as_seed, parse_run_name, read_value, renamed
from analysis.imports.series import COLUMNS, Logged, Points, check_columns, to_trial
from analysis.imports.trial import ImportedTrial, RunFacts
from analysis.records import natural_key

META = "meta.yaml"
ENDS = {3: "exhausted", 4: "failed", 5: "interrupted", 1: "interrupted", 2: "interrupted"}
"""Our status for MLflow's numbers of finished, failed, killed, running and scheduled runs."""


def find(path: Path) -> list[Path]:
    """The folders of runs in or below `path`."""
    if not path.is_dir():
        return []
    runs = (file.parent for file in path.rglob(META) if (file.parent / "metrics").is_dir())
    return sorted(runs, key=lambda folder: natural_key(str(folder)))


def read(path: Path, facts: RunFacts) -> Iterator[ImportedTrial]:
    """One trial for each run. Raises AnalysisError for a run that cannot be read."""
    check_columns(facts, COLUMNS)
    for folder in find(path):
        yield to_trial(_read_run(folder), facts)


def _read_run(folder: Path) -> Logged:
    try:
        meta = yaml.safe_load((folder / META).read_text())
        identity = str(meta.get("run_id") or meta["run_uuid"])
    except (yaml.YAMLError, AttributeError, KeyError, OSError) as error:
        raise AnalysisError(f"{folder / META}: {error}; allowed: a run as MLflow writes it") from None
    parameters = {
        str(file.relative_to(folder / "params")): read_value(file.read_text().strip())
        for file in _files(folder / "params")
    }
    series = {
        str(file.relative_to(folder / "metrics")): read_metric(file) for file in _files(folder / "metrics")
    }
    title = str(meta.get("run_name") or meta.get("name") or identity)
    by_name, seed = parse_run_name(title)
    known = as_seed(parameters.pop("seed", None))
    status = ENDS.get(meta.get("status"), "exhausted")
    return Logged(
        f"{title.replace('/', '_')}_{identity[:8]}",
        folder,
        "MLflow",
        {**by_name, **renamed(parameters)},
        seed if known is None else known,
        series,
        status=status,
        cause=None if status == "exhausted" else f"MLflow calls this run {status}",
    )


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def read_metric(file: Path) -> Points:
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
    points = np.array(logged_points, dtype=np.float64).reshape(-1, 2)
    points = points[np.argsort(points[:, 0], kind="stable")]
    return Points(points[:, 0], points[:, 1])
