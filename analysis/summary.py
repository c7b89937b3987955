"""The final table of a sweep, light enough for the terminal: no pandas, no figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from analysis.axes import format_value
from analysis.sweep import read_sweep
from analysis.tables import configuration_table

NOT_REACHED = "not reached"


def summary_table(sweep_dir: str | Path) -> list[dict[str, str]]:
    """One row per configuration, as text: axis values, n, converged, median T, final return."""
    sweep = read_sweep(sweep_dir)
    axes = {axis.name for axis in sweep.axes}
    return [
        {name: format_value(v) if name in axes else format_number(v) for name, v in row.items()}
        for row in configuration_table(sweep)
    ]


def format_number(value: float) -> str:
    """A number to four significant digits, thousands apart: 12 340; inf is a time never reached."""
    if np.isnan(value):
        return "–"
    if np.isinf(value):
        return NOT_REACHED
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{value:.4g}"
