"""Learning curves of many trials on one grid of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 60


def edges(clocks: Sequence[Floats], bins: int = BINS) -> Floats:
    """Borders of equal bins from 0 to the last moment of any trial: [bins + 1]."""
    last = max((clock[-1] for clock in clocks if len(clock)), default=1.0)
    return np.linspace(0.0, max(float(last), 1.0), bins + 1)


def centres(borders: Floats) -> Floats:
    return (borders[:-1] + borders[1:]) / 2


def binned(
    clock: Floats,
    values: Floats,
    borders: Floats,
    centre: Callable[[Floats], np.floating] = np.mean,
) -> Floats:
    """`centre` of the finite `values` in each bin, NaN where there are none: [bins]."""
    keep = np.isfinite(values)
    clock, values = clock[keep], values[keep]
    cuts = np.searchsorted(clock, borders[1:-1], side="right")
    parts = np.split(values, cuts)
    return np.array([centre(part) if len(part) else np.nan for part in parts], dtype=np.float64)


def filled(clock: Floats, values: Floats, borders: Floats) -> Floats:
    """Bin means, interpolated where a bin is empty; the first and last values are carried on.

    So a trial that stopped early keeps its last value, and every trial counts in every bin.
    """
    means, at = binned(clock, values, borders), centres(borders)
    known = np.isfinite(means)
    if not known.any():
        return means
    return np.interp(at, at[known], means[known])
