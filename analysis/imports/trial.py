"""A training run as read from its log, and the user's options for all runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from analysis.errors import AnalysisError
from analysis.records import Value
from dqn_exp.runs import CLOCK
from dqn_exp.scores import Floats

Columns = Mapping[str, Floats]
"""Columns of a metrics file by name, [rows] each, without unknown columns."""


@dataclass(frozen=True)
class RunFacts:
    """Facts about the runs that the user gives because the logs lack them."""

    environment: str | None = None
    threshold: float | None = None
    consecutive: int = 3
    columns: Mapping[str, str] = field(default_factory=dict)
    """For our names ("return", "mean_return", "env_step" and others), the log's own name."""


@dataclass(frozen=True)
class ImportedTrial:
    """One training run. Values that its log does not contain are missing."""

    name: str
    """Its directory in the new sweep, with slashes between nested folders."""
    program: str
    """The program that trained it."""
    path: Path
    """Its log."""
    config: Mapping[str, Value]
    """The known configuration values by dotted name; values that we have too are under our names."""
    seed: int | None
    episodes: Columns
    """Columns of training episodes: "return", clocks, "length"."""
    evaluations: Columns
    """Columns of evaluations during training: "mean_return", clocks, "std_return", "n_episodes"."""
    status: str = "exhausted"
    cause: str | None = None
    final: float | None = None
    """The mean return of greedy episodes after training."""

    def __post_init__(self) -> None:
        for kind, columns in (("episodes", self.episodes), ("evaluations", self.evaluations)):
            for clock in CLOCK:
                backwards = np.flatnonzero(np.diff(columns.get(clock, np.empty(0))) < 0)
                if len(backwards):
                    raise AnalysisError(
                        f"{self.path}: {clock} decreases in line {int(backwards[0]) + 2} of the {kind}; "
                        f"allowed: the clock of a single run, which never decreases"
                    )

    def total(self, clock: str) -> float:
        """The last value of a clock in the log; NaN if the log does not have the clock."""
        ends = [columns[clock][-1] for columns in self._curves if len(columns.get(clock, ()))]
        return float(max(ends)) if ends else np.nan

    @property
    def final_return(self) -> float:
        """The mean return after training, or else of the last evaluation.

        NaN if the log goes on after the last evaluation, or has none.
        """
        if self.final is not None:
            return self.final
        returns = self.evaluations.get("mean_return", np.empty(0))
        clock = "env_step" if "env_step" in self.evaluations else "episode"
        is_last = len(returns) and self.evaluations[clock][-1] >= self.total(clock)
        return float(returns[-1]) if is_last else np.nan

    @property
    def _curves(self) -> tuple[Columns, Columns]:
        return self.episodes, self.evaluations
