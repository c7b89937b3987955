"""Quality measures of an environment other than the return, over the values of an axis."""

from __future__ import annotations

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.estimates import statistics as st
from analysis.estimates.describe import per_seed
from analysis.estimates.samples import group, seeds
from analysis.records import Axis, Sweep, column, names, parts
from analysis.report.figures.by_value import note_trials
from analysis.report.figures.style import (
    OKABE_ITO,
    draw_means,
    is_logarithmic,
    label_values,
    new_figure,
    panel_width,
    spread,
    wrapped,
)

PREFIX = "measures."
UNITS = {"rms_angle": "rad", "rms_angular_velocity": "rad/s", "distance_to_target": "m"}
"""Units of the measures of our own environments; other measures have the unit in their name."""


def measure_names(sweep: Sweep) -> list[str]:
    """The columns of the environments' quality measures."""
    return [name for name in names(sweep.counted) if name.startswith(PREFIX)]


def measures_by_value(sweep: Sweep, axis: Axis, rng: np.random.Generator) -> Figure:
    """One panel per measure: a dot for every trial, and the mean with its interval."""
    measured = measure_names(sweep)
    figure, panels = new_figure(3.6 * len(measured) + 0.4, 3.4, len(measured))
    for ax, name in zip(panels, measured, strict=True):
        _panel(ax, sweep, axis, name, rng)
    return figure


def _panel(ax: Axes, sweep: Sweep, axis: Axis, name: str, rng: np.random.Generator) -> None:
    ax.set_xscale("log" if is_logarithmic(axis) else "linear")
    groups = group(sweep.counted, axis)
    x = np.concatenate([spread(axis, len(rows), code) for code, rows in enumerate(groups)])
    values = [column(rows, name) for rows in groups]
    sns.scatterplot(x=x, y=np.concatenate(values), color=OKABE_ITO[0], alpha=0.75, s=25, linewidth=0, ax=ax)
    means = [per_seed(seeds(rows), of_rows) for rows, of_rows in zip(groups, values, strict=True)]
    measure = name.removeprefix(PREFIX)
    draw_means(ax, axis, means, lambda sample: st.mean_interval(sample, rng), "mean", measure)
    flat = np.concatenate(values)
    note_trials(ax, axis, groups, flat, np.isfinite(flat), "trial", measure)
    label_values(ax, axis)
    ax.set_xlabel(wrapped(", ".join(name.rpartition(".")[2] for name in parts(axis.name)), panel_width(ax)))
    unit = f" ({UNITS[measure]})" if measure in UNITS else ""
    ax.set_title(measure.replace("_", " ") + unit)
