"""The score of an agent that is tuned for each environment, and the loss without such tuning."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.estimates.scores import Tuning
from analysis.estimates.sensitivity import Sensitivity
from analysis.records import Axis
from analysis.report.figures.chart import Chart, note
from analysis.report.figures.style import FAINT, INK, styles, wrapped

COLUMNS = 3


def sensitivity_plane(tuning: Tuning) -> Figure:
    """One panel per hyperparameter: a mark for all settings, and one for the settings with each value.

    After the performance-sensitivity plane of Adkins et al. (2024).
    """
    columns = min(len(tuning.axes), COLUMNS)
    rows = -(-len(tuning.axes) // columns)
    figure = Chart(figsize=(3.4 * columns + 0.8, 4.2 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for ax, axis in zip(panels.ravel(), tuning.axes, strict=False):
        _draw_panel(ax, tuning, axis)
    for ax in panels.ravel()[len(tuning.axes) :]:
        ax.remove()
    for ax in panels[:, 0]:
        ax.set_ylabel("mean score, tuned for each environment")
    return figure


def _draw_panel(ax: Axes, tuning: Tuning, axis: Axis) -> None:
    _draw(ax, tuning.whole, "all settings", color=INK, marker="D", mfc="white", markersize=7)
    fixed = [variant for variant in tuning.variants if variant.axis is axis]
    for style, variant in zip(styles(axis), fixed, strict=True):
        label = wrapped(f"{axis.name} = {axis.labels()[variant.value]}", 3.0)
        _draw(ax, variant.found, label, color=style.color, marker=style.marker, markersize=6)
    whole = tuning.whole.loss.value, tuning.whole.per_environment.value
    ax.axline(
        whole,
        slope=1,
        color=FAINT,
        linestyle=(0, (4, 3)),
        linewidth=1,
        zorder=1,
        label="equal with one setting",
    )
    ax.axvline(0, color=FAINT, linewidth=0.8, zorder=1)
    ax.set_xlabel("sensitivity: loss with one setting for all")
    ax.locator_params(axis="x", nbins=5)
    ax.tick_params(labelbottom=True)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2)


def _draw(ax: Axes, sensitivity: Sensitivity, label: str, **style: Any) -> None:
    x, y = sensitivity.loss, sensitivity.per_environment
    across, up = ([[abs(one.value - end)] for end in one.interval] for one in (x, y))
    ends = {"value": y.value, "low": y.interval[0], "high": y.interval[1]}
    loss = {"loss": x.value, "loss_low": x.interval[0], "loss_high": x.interval[1]}
    note(ax, "mean score, tuned for each environment", {"settings": [label], **ends, **loss})
    ax.errorbar(
        x.value, y.value, xerr=across, yerr=up, label=label, elinewidth=1, linestyle="none", zorder=3, **style
    )
