"""The scores of a search over its parameters: one parameter, pairs of them, all of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from optuna.trial import FrozenTrial

from analysis.report import FAINT, INK, Chart, count_axis, new_figure, note
from analysis.study.data import Floats, Goal, Parameter, StudyData
from dqn_exp.study.storage import typed
from dqn_exp.text import format_value

PALETTE = "viridis"
PAPER = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.4}


def slices(study: StudyData, goal: Goal) -> Figure:
    """Score against each parameter; later proposals are lighter."""
    parameters = study.parameters
    columns = min(4, len(parameters))
    rows = -(-len(parameters) // columns)
    figure = Chart(figsize=(2.6 * columns + 0.6, 2.5 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    scores = goal.scores(study.finite)
    order = np.array([study.trials.index(trial) for trial in study.finite])
    for ax, parameter in zip(grid.flat, parameters, strict=False):
        at = parameter.positions(study.finite)
        if parameter.choices is not None:
            at = at + 0.3 * (np.argsort(np.argsort(order)) / max(len(order) - 1, 1) - 0.5)
        dots = ax.scatter(at, scores, c=order, cmap=PALETTE, s=22, edgecolor="white", linewidth=0.4)
        note(ax, "score", {parameter.name: _values(parameter, study.finite), "value": scores}, parameter.name)
        _value_axis(ax, "x", parameter)
    for ax in grid.flat[len(parameters) :]:
        ax.set_visible(False)
    for ax in grid[:, 0]:
        ax.set_ylabel(goal.label)
    figure.colorbar(dots, ax=grid, label="proposal", shrink=0.8)
    return figure


def contour(study: StudyData, goal: Goal, names: Sequence[str]) -> Figure:
    """Score over pairs of parameters, interpolated between the proposals (dots)."""
    known = {parameter.name: parameter for parameter in study.parameters}
    pairs = list(itertools.combinations([known[name] for name in names], 2))
    figure, axs = new_figure(3.4 * len(pairs) + 0.8, 3.2, len(pairs))
    scores = goal.scores(study.finite)
    shades = _shades(goal, scores)
    for ax, (across, up) in zip(axs, pairs, strict=True):
        _draw_contour(ax, across, up, study.finite, scores, shades)
        places = {parameter.name: _values(parameter, study.finite) for parameter in (across, up)}
        note(ax, "score", {**places, "value": scores}, f"{across.name} and {up.name}")
        _value_axis(ax, "x", across)
        _value_axis(ax, "y", up)
    figure.colorbar(shades, ax=list(axs), label=goal.label)
    return figure


def _draw_contour(
    ax: Axes,
    across: Parameter,
    up: Parameter,
    trials: list[FrozenTrial],
    scores: Floats,
    shades: ScalarMappable,
) -> None:
    x, y = across.positions(trials), up.positions(trials)
    points = np.column_stack([across.unit_positions(trials), up.unit_positions(trials)])
    if len(np.unique(points, axis=0)) >= 4 and np.linalg.matrix_rank(points - points[0]) == 2:
        from scipy.interpolate import griddata

        grid = np.linspace(0, 1, 60)
        u, v = np.meshgrid(grid, grid)
        values = griddata(points, scores, (u, v), method="linear", rescale=False)
        ax.contourf(
            _from_unit(across, grid),
            _from_unit(up, grid),
            values,
            12,
            cmap=shades.cmap,
            norm=shades.norm,
            alpha=0.85,
        )
    ax.scatter(x, y, c=shades.to_rgba(scores), s=20, edgecolor=INK, linewidth=0.5)
    ax.grid(visible=False)


def _shades(goal: Goal, scores: Floats) -> ScalarMappable:
    """The colours of scores; better ones are lighter."""
    palette = f"{PALETTE}_r" if goal.minimised else PALETTE
    return ScalarMappable(Normalize(scores.min(), scores.max()), palette)


def _from_unit(parameter: Parameter, unit: Floats) -> Floats:
    low, high = parameter.limits
    if parameter.logarithmic:
        return np.asarray(np.exp(np.log(low) + unit * (np.log(high) - np.log(low))))
    return low + unit * (high - low)


def parallel_coordinates(study: StudyData, goal: Goal) -> Figure:
    """One line per proposal across all parameters; good ones are drawn on top."""
    parameters = study.parameters
    figure, (ax,) = new_figure(max(6.0, 1.35 * len(parameters) + 1.5), 4.0)
    scores, losses = goal.scores(study.finite), goal.losses(study.finite)
    shades = _shades(goal, scores)
    heights = np.array([parameter.unit_positions(study.finite) for parameter in parameters])
    for index in np.argsort(-losses):
        quality = 1 - np.argsort(np.argsort(losses))[index] / max(len(losses) - 1, 1)
        ax.plot(heights[:, index], color=shades.to_rgba(scores[index]), linewidth=0.7 + 1.3 * quality,
                alpha=0.35 + 0.65 * quality)  # fmt: skip
    note(ax, "score", {**{each.name: _values(each, study.finite) for each in parameters}, "value": scores})
    ax.set_xticks(
        range(len(parameters)), [parameter.name for parameter in parameters], rotation=25, ha="right"
    )
    ax.set(ylim=(-0.08, 1.08), yticks=[])
    ax.spines[:].set_visible(False)
    for position, parameter in enumerate(parameters):
        _mark(ax, position, parameter)
    figure.colorbar(shades, ax=ax, label=goal.label)
    return figure


def _mark(ax: Axes, position: int, parameter: Parameter) -> None:
    ax.axvline(position, color=FAINT, linewidth=0.8)
    values = parameter.choices if parameter.choices is not None else parameter.limits
    heights = np.linspace(0, 1, len(values)) if len(values) > 1 else [0.5]
    for height, value in zip(heights, values, strict=True):
        ax.annotate(_label(value), (position, height), (3, 0), textcoords="offset points", fontsize=7,
                    va="center", bbox=PAPER)  # fmt: skip


def _value_axis(ax: Axes, which: str, parameter: Parameter) -> None:
    axis = ax.xaxis if which == "x" else ax.yaxis
    if parameter.choices is not None:
        axis.set_ticks(range(len(parameter.choices)), [_label(choice) for choice in parameter.choices])
        if which == "x" and sum(map(len, map(_label, parameter.choices))) > 22:
            ax.tick_params(axis="x", labelrotation=35)
    elif parameter.logarithmic:
        (ax.set_xscale if which == "x" else ax.set_yscale)("log")
        axis.set_major_locator(LogLocator(numticks=4))
        axis.set_minor_locator(NullLocator())
        count_axis(ax, which)
    else:
        count_axis(ax, which)
    (ax.set_xlabel if which == "x" else ax.set_ylabel)(parameter.name)


def _values(parameter: Parameter, trials: list[FrozenTrial]) -> list[Any]:
    """The parameter's value in each of `trials`; a dash if the trial does not have the parameter."""
    values = (typed(trial.params.get(parameter.name, "–")) for trial in trials)
    return [value if isinstance(value, int | float) else str(value) for value in values]


def _label(value: object) -> str:
    return format_value(typed(value))
