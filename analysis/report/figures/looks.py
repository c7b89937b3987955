"""The looks of a sweep: each value's p against the boundary, and its ratio against the margin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.estimates.looks import Looks
from analysis.report.figures.chart import note
from analysis.report.figures.style import FAINT, INK, legend_columns, new_figure, styles, wrapped

ADDED = "#efefef"
APART = 0.015
"""Horizontal distance between intervals of neighbouring values, as a share of the most seeds."""


def looks_figure(looks: Looks) -> Figure:
    """Left: p over the looks, and the boundary below which a value differs. Right: the ratios."""
    figure, (left, right) = new_figure(8.5, 3.8, 2)
    _paths(left, looks)
    _ratios(right, looks)
    for ax in (left, right):
        for schedule in looks.schedules[1:]:
            ax.axvspan(schedule.looks[schedule.taken - 1], schedule.looks[-1], color=ADDED, zorder=0)
        ax.set_xticks(looks.design.looks)
        ax.set_xlabel("seeds of a value")
    axis, drawn = looks.axis, styles(looks.axis)
    keys: list[Artist] = [
        Line2D([], [], color=style.color, marker=style.marker, linestyle=style.line, label=label)
        for code, (style, label) in enumerate(zip(drawn, axis.labels(), strict=True))
        if code != looks.reference
    ]
    keys.append(
        Line2D([], [], color=FAINT, linestyle=(0, (4, 3)), label="boundary of p, margin of the ratio")
    )
    if len(looks.schedules) > 1:
        keys.append(Patch(color=ADDED, label="looks that were added"))
    columns = legend_columns(figure, [str(key.get_label()) for key in keys], 5)
    title = wrapped(axis.title, figure.get_figwidth())
    figure.legend(handles=keys, loc="outside lower center", ncols=columns, title=title)
    return figure


def _paths(ax: Axes, looks: Looks) -> None:
    boundary = [looks.design.spent(number) for number in range(len(looks.design.looks))]
    ax.plot(looks.design.looks, boundary, color=FAINT, linestyle=(0, (4, 3)), linewidth=1)
    for code, style in enumerate(styles(looks.axis)):
        taken = [look for look in looks.decisions.looks if look.value == code]
        seeds, p = [look.seeds for look in taken], [look.p for look in taken]
        named = np.full(len(seeds), looks.axis.labels()[code])
        note(ax, "p (closed test)", {looks.axis.name: named, "seeds": seeds, "value": p})
        ax.plot(seeds, p, color=style.color, linestyle=style.line, marker=style.marker, markersize=5)
    ax.set_yscale("log")
    ax.set_ylim(top=1.3)
    _ticks(ax, [1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001])
    ax.set_ylabel("p (closed test)")


def _ratios(ax: Axes, looks: Looks) -> None:
    drawn = styles(looks.axis)
    for bound in looks.design.margin:
        ax.axhline(bound, color=FAINT, linestyle=(0, (4, 3)), linewidth=1)
    ax.axhline(1, color=INK, linewidth=0.8)
    others = [code for code in range(len(drawn)) if code != looks.reference]
    for look in looks.decisions.looks:
        aside = others.index(look.value) - (len(others) - 1) / 2
        style, at = drawn[look.value], look.seeds + APART * looks.design.looks[-1] * aside
        low, high = look.ratio.interval
        ends = {"value": look.ratio.ratio, "low": low, "high": high}
        named = {looks.axis.name: [looks.axis.labels()[look.value]], "seeds": look.seeds}
        note(ax, "ratio of restricted means to the reference", {**named, **ends})
        ax.plot(at, look.ratio.ratio, color=style.color, marker=style.marker, markersize=5)
        ax.plot([at, at], look.ratio.interval, color=style.color, linewidth=1.4)
    ax.set_yscale("log")
    _ticks(ax, [0.1, 0.2, 0.5, *looks.design.margin, 1, 2, 5, 10, 20])
    ax.set_ylabel("ratio of restricted means to the reference")


def _ticks(ax: Axes, at: Sequence[float]) -> None:
    """Ticks of a logarithmic axis as plain numbers; those outside its range are left out."""
    low, high = ax.get_ylim()
    shown = [tick for tick in at if low <= tick <= high]
    ax.set_yticks(shown, [f"{tick:g}" for tick in shown])
    ax.minorticks_off()
