"""Learning curves of many trials on one grid of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from analysis.records.disk import Curve
from dqn_exp.scores import Floats

MOST_BINS, FEWEST_BINS = 60, 8


def edges(clocks: Sequence[Floats], per_bin: int = 1) -> Floats:
    """Borders of equal bins from 0 to the last moment of any trial: [bins + 1].

    A trial of median length has about `per_bin` points in each bin.
    """
    clocks = [clock for clock in clocks if len(clock)] or [np.ones(1)]
    points = int(np.median([len(clock) for clock in clocks]))
    bins = min(max(points // per_bin, FEWEST_BINS), MOST_BINS)
    return np.linspace(0.0, max(float(clock[-1]) for clock in clocks), bins + 1)


def centres(borders: Floats) -> Floats:
    return (borders[:-1] + borders[1:]) / 2


def binned(
    clock: Floats,
    values: Floats,
    borders: Floats,
    centre: Callable[[Floats], np.floating] = np.mean,
) -> Floats:
    """`centre` of the finite `values` in each bin; NaN for an empty bin: [bins]."""
    keep = np.isfinite(values)
    clock, values = clock[keep], values[keep]
    cuts = np.searchsorted(clock, borders[1:-1], side="right")
    parts = np.split(values, cuts)
    return np.array([centre(part) if len(part) else np.nan for part in parts], dtype=np.float64)


def filled(clock: Floats, values: Floats, borders: Floats) -> Floats:
    """Bin means: [bins]. Empty bins are interpolated; before the first value they are NaN.

    A trial that stopped early keeps its last value, so every trial counts up to the end.
    """
    at = centres(borders)
    return sampled(at, binned(clock, values, borders), at)


def binned_together(curves: Sequence[Curve], clock: str, bins: int) -> list[Curve]:
    """All columns of `curves`, `filled` in equal `bins` of `clock`; `clock` itself holds the centres."""
    borders = np.linspace(0.0, max((float(curve[clock][-1]) for curve in curves), default=1.0), bins + 1)
    return [
        {
            name: centres(borders) if name == clock else filled(curve[clock], values, borders)
            for name, values in curve.items()
        }
        for curve in curves
    ]


def moments(clocks: Sequence[Floats]) -> Floats | None:
    """All moments of any clock, sorted; None if there are none or more than `MOST_BINS`."""
    seen = np.unique(np.concatenate([np.empty(0), *clocks]))
    return seen if 0 < len(seen) <= MOST_BINS else None


def sampled(clock: Floats, values: Floats, at: Floats) -> Floats:
    """The curve, interpolated at the moments `at` [m]: [m].

    It is NaN before the curve begins, and the last value after the curve ends.
    """
    known = np.isfinite(values)
    if not known.any():
        return np.full(len(at), np.nan)
    return np.interp(at, clock[known], values[known], left=np.nan)
