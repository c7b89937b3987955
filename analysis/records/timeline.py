"""The clocks on which the times of a sweep's trials are counted, and how far each clock was observed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.records.disk import TOTALS
from analysis.records.rows import Row, column
from dqn_exp.runs import NEVER

_TOTALS = {clock: total for total, clock in TOTALS.items()}
"""For each clock of a metrics file, the row's column with its value at the end of the trial."""

_TIMELINES = (
    ("steps_to_threshold", "env_step", "environment steps", "budget.env_steps"),
    ("episodes_to_threshold", "episode", "episodes", "budget.episodes"),
)


class Timeline(NamedTuple):
    """One way to count time: column `column` of a row holds T, column `curve` of a metrics file the time."""

    column: str
    curve: str
    unit: str
    budget: float
    """The common limit of all trials; NaN if there is none."""
    horizon: float
    """The time up to which every counted trial was observed, converged or had diverged."""
    longest: float
    """The longest time of any counted trial."""

    def times(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        """T of each row. A diverged trial never converges: it is censored no earlier than `longest`."""
        never = np.array([row["status"] == NEVER for row in rows], dtype=bool)
        times = column(rows, self.column)
        return np.where(never, np.fmax(times, self.longest), times)

    def observed_until(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        """The end of each trial, converged or not; inf for a diverged trial, which can reach no more."""
        never = np.array([row["status"] == NEVER for row in rows], dtype=bool)
        return np.where(never, np.inf, column(rows, _TOTALS[self.curve]))


def timelines_of(rows: Sequence[Row]) -> list[Timeline]:
    """The timelines of these trials; one with a common budget comes first.

    There are two, unless logs of other programs hold only one clock.
    """
    known = [names for names in _TIMELINES if not np.isnan(column(rows, names[0])).any()]
    return sorted((_timeline(rows, *names) for names in known or _TIMELINES), key=_shortfall)


def _timeline(rows: Sequence[Row], name: str, curve: str, unit: str, limit: str) -> Timeline:
    budgets, times = column(rows, limit), column(rows, name)
    ended = np.array([row["converged"] or row["status"] == NEVER for row in rows], dtype=bool)
    common = len(budgets) > 0 and bool(np.all(budgets == budgets[0]))
    longest = float(np.fmax.reduce(times, initial=0.0))
    horizon = float(np.fmin.reduce(np.append(times[~ended], budgets), initial=np.inf))
    return Timeline(
        name, curve, unit,
        budget=float(budgets[0]) if common else np.nan,
        horizon=horizon if np.isfinite(horizon) else longest,
        longest=longest,
    )  # fmt: skip


def _shortfall(timeline: Timeline) -> float:
    """The share of the common budget that lies beyond the horizon; 1 without a common budget."""
    return 1.0 if np.isnan(timeline.budget) else max(0.0, 1 - timeline.horizon / timeline.budget)
