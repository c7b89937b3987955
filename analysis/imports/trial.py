"""A training run as a log tells of it, and what the user tells of all runs."""

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
"""Columns of a metrics file by name, [rows] each; those that are not known are not there."""


@dataclass(frozen=True)
class Told:
    """What the user says of the runs, because their logs do not."""

    environment: str | None = None
    threshold: float | None = None
    consecutive: int = 3
    columns: Mapping[str, str] = field(default_factory=dict)
    """What a log calls things: "return", "mean_return", "env_step" and others -> its own name."""


@dataclass(frozen=True)
class ImportedTrial:
    """One training run. Everything that its log does not tell is missing."""

    name: str
    """Its directory in the sweep that is written; parts between slashes."""
    program: str
    """Who trained it."""
    path: Path
    """Its log."""
    config: Mapping[str, Value]
    """The values that are known, by dotted name; those that we have too by our names."""
    seed: int | None
    episodes: Columns
    """Of training episodes: "return", clocks, "length"."""
    evaluations: Columns
    """Of evaluations while it trained: "mean_return", clocks, "std_return", "n_episodes"."""
    status: str = "exhausted"
    cause: str | None = None

    def __post_init__(self) -> None:
        for kind, columns in (("episodes", self.episodes), ("evaluations", self.evaluations)):
            for clock in CLOCK:
                backwards = np.flatnonzero(np.diff(columns.get(clock, np.empty(0))) < 0)
                if len(backwards):
                    raise AnalysisError(
                        f"{self.path}: {clock} goes back in line {int(backwards[0]) + 2} of the {kind}; "
                        f"allowed: a clock that counts what a single run has done so far"
                    )

    def total(self, clock: str) -> float:
        """How far the log tells of the run on a clock; NaN where it does not tell."""
        ends = [columns[clock][-1] for columns in self._curves if len(columns.get(clock, ()))]
        return float(max(ends)) if ends else np.nan

    @property
    def final_return(self) -> float:
        """That of the last evaluation, where nothing is known of the run after it; NaN elsewhere."""
        returns = self.evaluations.get("mean_return", np.empty(0))
        clock = "env_step" if "env_step" in self.evaluations else "episode"
        is_last = len(returns) and self.evaluations[clock][-1] >= self.total(clock)
        return float(returns[-1]) if is_last else np.nan

    @property
    def _curves(self) -> tuple[Columns, Columns]:
        return self.episodes, self.evaluations
