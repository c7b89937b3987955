"""Trials as tables: one row per trial, and one row per line of a metrics file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.records.axes import SHORT, find_axes
from analysis.records.disk import (
    Curve,
    RecordedTrial,
    Skipped,
    read_curve,
    read_trials,
    warn_about,
)
from analysis.records.rows import RESULTS, make_row
from dqn_exp.runs import COLUMNS, KINDS


def load_runs(path: str | Path) -> pd.DataFrame:
    """One row per trial in or below `path`: results, then every configuration value by dotted name.

    `steps_to_threshold` and `episodes_to_threshold` are times of convergence where `converged`,
    and of censoring elsewhere. What could not be read is warned of and kept in `attrs["skipped"]`.
    """
    skipped: list[Skipped] = []
    trials = read_trials(Path(path), skipped)
    rows = [make_row(trial, read_curve(trial, "evaluations", skipped)) for trial in trials]
    runs = pd.DataFrame(rows, columns=None if rows else list(RESULTS))
    first = [name for name in (*RESULTS, *SHORT) if name in runs.columns]
    runs = runs[[*first, *(name for name in runs.columns if name not in first)]]
    return _with_skipped(runs, skipped)


def load_curves(path: str | Path, kind: str) -> pd.DataFrame:
    """One row per line of every trial's `kind` file: run, seed, axes, clock and values.

    `kind` is "episodes", "evaluations" or "losses". The axes are the configuration values that
    vary over the trials. Reports what it skipped as `load_runs` does.
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}; allowed: {', '.join(KINDS)}")
    skipped: list[Skipped] = []
    trials = read_trials(Path(path), skipped)
    axes = [axis.name for axis in find_axes([trial.config for trial in trials])]
    frames = []
    for trial in trials:
        curve = read_curve(trial, kind, skipped)
        if curve:
            frames.append(_tidy(trial, curve, axes))
    empty = pd.DataFrame(columns=["run", "seed", *axes, *COLUMNS[kind]])
    return _with_skipped(pd.concat(frames, ignore_index=True) if frames else empty, skipped)


def _tidy(trial: RecordedTrial, curve: Curve, axes: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(curve)
    clock = {name: frame[name].astype("int64") for name in ("episode", "env_step", "update")}
    labels = {"run": trial.run, "seed": trial.record.get("seed")}
    labels |= {name: trial.config.get(name) for name in axes}
    return frame.assign(**labels, **clock)[[*labels, *curve]]


def _with_skipped(frame: pd.DataFrame, skipped: list[Skipped]) -> pd.DataFrame:
    warn_about(skipped)
    frame.attrs["skipped"] = [entry._asdict() for entry in skipped]
    return frame
