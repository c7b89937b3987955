"""Trials as tables: one row per trial, and one row per line of a metrics file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.records.axes import SHORT, Axis, find_axes, with_unknown_values
from analysis.records.cache import cached
from analysis.records.curves import binned_together
from analysis.records.disk import (
    Curve,
    Paths,
    RecordedTrial,
    Skipped,
    read_curve,
    read_evaluations,
    read_trials,
    warn_about,
)
from analysis.records.rows import RESULTS, make_row
from dqn_exp.runs import CLOCK, COLUMNS, KINDS


def load_runs(path: Paths) -> pd.DataFrame:
    """One row per trial in or below `path`: results, then every configuration value by dotted name.

    `path` is one folder or several; `run` is relative to their common parent. `steps_to_threshold` and
    `episodes_to_threshold` are times of convergence if `converged`, otherwise times of censoring. An
    axis whose values are not all numbers or booleans is an ordered categorical in the order of the
    report, with "none" for null. Records that cannot be read cause a warning and are listed in
    `attrs["skipped"]`.
    """
    skipped: list[Skipped] = []
    with cached(path) as files:
        trials = with_unknown_values(read_trials(path, skipped, files.json))
        rows = [make_row(trial, read_evaluations(trial, skipped, files.columns)) for trial in trials]
    runs = pd.DataFrame(rows, columns=None if rows else list(RESULTS))
    first = [name for name in (*RESULTS, *SHORT) if name in runs.columns]
    runs = runs[[*first, *(name for name in runs.columns if name not in first)]]
    return _with_skipped(_with_axes(runs, trials, find_axes([trial.config for trial in trials])), skipped)


def load_curves(path: Paths, kind: str, grid: int | None = None, clock: str = "env_step") -> pd.DataFrame:
    """One row per line of every trial's `kind` file: run, seed, axes, clock and values.

    `kind` is "episodes", "evaluations" or "losses". The axes are the configuration values that vary over
    the trials. Skipped records are reported, and axes are ordered, as in `load_runs`.

    `grid`: the number of rows per trial on a common grid of `clock` ("env_step", "episode" or "update"),
    instead of one row per line. The grid has equal bins from 0 to the last moment of any trial; each row
    is the mean of a bin and lies at the centre of the bin, as in the curves of reports. A trial that ended
    keeps its last value, so means over trials use the same trials everywhere. Raises ValueError for an
    unknown kind, grid or clock.
    """
    _check(kind, grid, clock)
    skipped: list[Skipped] = []
    with cached(path) as files:
        trials = with_unknown_values(read_trials(path, skipped, files.json))
        read = [(trial, read_curve(trial, kind, skipped, files.columns)) for trial in trials]
    pairs = [(trial, curve) for trial, curve in read if curve]
    curves = [curve for _, curve in pairs]
    if grid is not None:
        curves = binned_together(curves, clock, grid)
    labels = _labels([trial for trial, _ in pairs], find_axes([trial.config for trial in trials]))
    rows = np.repeat(np.arange(len(curves)), [len(curve[clock]) for curve in curves])
    values = _stacked(curves) if curves else pd.DataFrame(columns=list(COLUMNS[kind]))
    if grid is None:
        values = values.astype({name: "int64" for name in CLOCK if values[name].notna().all()})
    return _with_skipped(pd.concat([labels.iloc[rows].reset_index(drop=True), values], axis=1), skipped)


def _check(kind: str, grid: int | None, clock: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}; allowed: {', '.join(KINDS)}")
    if clock not in CLOCK:
        raise ValueError(f"clock={clock!r}; allowed: {', '.join(CLOCK)}")
    if grid is not None and grid < 1:
        raise ValueError(f"grid={grid!r}; allowed: None, or a number of moments, at least 1")


def _labels(trials: Sequence[RecordedTrial], axes: Sequence[Axis]) -> pd.DataFrame:
    """One row per trial: run, seed and axes."""
    rows = [
        {"run": trial.run, "seed": trial.record.get("seed")}
        | {axis.name: trial.config.get(axis.name) for axis in axes}
        for trial in trials
    ]
    table = pd.DataFrame(rows, columns=["run", "seed", *(axis.name for axis in axes)])
    return _with_axes(table, trials, axes)


def _stacked(curves: Sequence[Curve]) -> pd.DataFrame:
    """The rows of all `curves`, one curve after the other; NaN where a curve lacks a column."""
    names = dict.fromkeys(name for curve in curves for name in curve)
    missing = [np.full(len(next(iter(curve.values()))), np.nan) for curve in curves]
    return pd.DataFrame(
        {
            name: np.concatenate([curve.get(name, gap) for curve, gap in zip(curves, missing, strict=True)])
            for name in names
        }
    )


def _with_axes(frame: pd.DataFrame, trials: Sequence[RecordedTrial], axes: Sequence[Axis]) -> pd.DataFrame:
    """`frame` (one row for each of `trials`) with `axes` as ordered categoricals.

    Otherwise pandas would sort lists as text and drop null.
    """
    ordered = {
        axis.name: pd.Categorical(
            [axis.plain(trial.config.get(axis.name)) for trial in trials],
            categories=list(dict.fromkeys(map(axis.plain, axis.values))),
            ordered=True,
        )
        for axis in axes
        if not axis.sortable
    }
    return frame.assign(**ordered)


def _with_skipped(frame: pd.DataFrame, skipped: list[Skipped]) -> pd.DataFrame:
    warn_about(skipped)
    frame.attrs["skipped"] = [entry._asdict() for entry in skipped]
    return frame
