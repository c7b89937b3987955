"""The final table of a sweep, for the terminal."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from analysis.estimates.describe import configuration_table
from analysis.records import Sweep, label, read_sweep
from dqn_exp.text import format_number


def summary_table(sweep_dir: str | Path) -> list[dict[str, str]]:
    """One row per configuration, as text: axis values, number of trials, convergence and return."""
    return summary_rows(read_sweep(sweep_dir))


def summary_rows(sweep: Sweep) -> list[dict[str, str]]:
    """Like `summary_table`, for a sweep that has already been read."""
    timeline, names = sweep.timelines[0], [axis.name for axis in sweep.axes]
    rows = configuration_table(sweep, timeline, np.random.default_rng(0))
    shown = {
        "n": "n",
        "taken": "taken",
        "left_out": "left out",
        "converged": "converged",
        "diverged": "diverged",
        "median": f"median {timeline.unit}",
        "final_return": "mean final return",
    }
    rare = [name for name in ("taken", "left_out", "diverged") if not any(row[name] for row in rows)]
    table = [
        {
            **{name: label(name, row[name]) for name in names},
            **{title: format_number(row[name]) for name, title in shown.items() if name not in rare},
        }
        for row in rows
    ]
    return table if sweep.judged else [{**row, "converged": "cannot be judged"} for row in table]
