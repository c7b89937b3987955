"""The figures of a study."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from optuna.trial import FrozenTrial

from analysis.report import ACCENT, FAINT, INK, OKABE_ITO, Chart, count_axis, new_figure, note
from analysis.study.confirmation import interval
from analysis.study.data import Floats, Goal, Parameter, StudyData
from analysis.study.environments import best_of, score_table
from analysis.study.importance import Importances
from analysis.study.infinite import n_diverged
from dqn_exp.study.storage import typed
from dqn_exp.text import format_value

PALETTE = "viridis"
REPORTED = {
    "steps_to_convergence": "threshold minus mean return",
    "final_return": "mean return",
    "steps_to_convergence (normalised)": "threshold minus mean return (normalised)",
    "final_return (normalised)": "mean return (normalised)",
}
"""For each objective, the intermediate value by which proposals are compared during training."""
PAPER = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.4}


def history(study: StudyData, goal: Goal) -> Figure:
    """Scores in the order of the proposals, and the best score so far."""
    figure, (ax,) = new_figure(8.0, 3.6)
    trials = study.finite
    numbers = np.array([study.trials.index(trial) for trial in trials])
    losses = goal.losses(trials)
    scores = losses if goal.minimised else -losses
    ax.plot(numbers, scores, "o", color=OKABE_ITO[0], alpha=0.75, label="complete")
    note(ax, "score", {"proposal": numbers, "value": scores})
    best = np.minimum.accumulate(losses) * (1 if goal.minimised else -1)
    ax.step(numbers, best, where="post", color=ACCENT, label="best so far")
    note(ax, "best so far", {"score": goal.label, "proposal": numbers, "value": best})
    unscored = [t for t in study.complete if t not in trials]
    floor = ax.get_xaxis_transform()
    for label, marker, chosen in (
        ("pruned", "x", study.pruned),
        ("a seed diverged: infinitely bad score", "v", [t for t in unscored if n_diverged(t)]),
        ("a seed has no score: infinitely bad score", "^", [t for t in unscored if not n_diverged(t)]),
    ):
        if chosen:
            indices = [study.trials.index(trial) for trial in chosen]
            ax.plot(indices, np.full(len(indices), 0.02), marker, color=FAINT, transform=floor, label=label)
    ax.set(xlabel="proposal", ylabel=goal.label)
    count_axis(ax, "y")
    figure.legend(loc="outside upper right", ncols=4)
    return figure


def intermediate_values(study: StudyData, goal: Goal) -> Figure:
    """The intermediate value of each proposal over time; pruned proposals end in a cross."""
    figure, (ax,) = new_figure(8.0, 4.0)
    best = [trial.number for trial in study.front()]
    for trial in study.trials:
        reported = trial.intermediate_values
        steps = np.array(sorted(reported), dtype=np.float64)
        values = np.array([reported[int(step)] for step in steps], dtype=np.float64)
        finite = np.isfinite(values)
        steps, values = steps[finite], values[finite]
        if not len(steps):
            continue
        what = "reached by a pruned proposal" if trial in study.pruned else "reached by a proposal"
        note(ax, what, {"proposal": trial.number, "moment": steps, "value": values})
        if trial in study.pruned:
            ax.plot(steps, values, color=FAINT, linewidth=0.9, linestyle="--")
            ax.plot(steps[-1:], values[-1:], "x", color=ACCENT, markersize=6)
        else:
            chosen = trial.number in best
            style: dict[str, Any] = {"color": ACCENT, "linewidth": 2.2, "zorder": 3} if chosen else {}
            ax.plot(steps, values, **{"color": OKABE_ITO[0], "linewidth": 0.9, "alpha": 0.6, **style})
    ax.set(xlabel="moment at which seeds were compared (env steps or episodes)")
    ax.set_ylabel(REPORTED.get(goal.label, f"{goal.label} so far"))
    count_axis(ax, "x")
    return figure


def by_environment(study: StudyData, goal: Goal) -> Figure:
    """The score of each proposal in each environment; a line joins those of one proposal."""
    figure, (ax,) = new_figure(max(4.5, 1.3 * len(study.environments) + 2.5), 3.6)
    table, best = score_table(study.finite, goal, study.environments), best_of(study, goal)
    positions = np.arange(len(study.environments))
    for trial, of_each in zip(study.finite, table, strict=True):
        note(ax, f"score of proposal {trial.number}", {"environment": study.environments, "value": of_each})
        if trial is not best:
            ax.plot(positions, of_each, "o-", color=OKABE_ITO[0], alpha=0.35, linewidth=0.9, markersize=4,
                    label="other proposals")  # fmt: skip
    of_best = table[study.finite.index(best)]
    ax.plot(
        positions,
        of_best,
        "D-",
        color=ACCENT,
        linewidth=2,
        zorder=3,
        label=f"proposal {best.number}, the best",
    )
    ax.set_xticks(positions, study.environments)
    ax.set(xlim=(-0.4, len(positions) - 0.6), ylabel=goal.label)
    ax.grid(visible=False, axis="x")
    once = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    figure.legend(once.values(), once.keys(), loc="outside upper right", ncols=2)
    return figure


def slices(study: StudyData, goal: Goal) -> Figure:
    """Score against each parameter; later proposals are lighter."""
    parameters = study.parameters
    columns = min(4, len(parameters))
    rows = -(-len(parameters) // columns)
    figure = Chart(figsize=(2.6 * columns + 0.6, 2.5 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    losses = goal.losses(study.finite)
    scores = losses if goal.minimised else -losses
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
    losses = goal.losses(study.finite)
    scores = losses if goal.minimised else -losses
    palette = f"{PALETTE}_r" if goal.minimised else PALETTE
    norm = Normalize(scores.min(), scores.max())
    for ax, (across, up) in zip(axs, pairs, strict=True):
        _draw_contour(ax, across, up, study.finite, scores, palette, norm)
        places = {parameter.name: _values(parameter, study.finite) for parameter in (across, up)}
        note(ax, "score", {**places, "value": scores}, f"{across.name} and {up.name}")
        _value_axis(ax, "x", across)
        _value_axis(ax, "y", up)
    figure.colorbar(mpl.cm.ScalarMappable(norm, palette), ax=list(axs), label=goal.label)
    return figure


def _draw_contour(
    ax: Axes,
    across: Parameter,
    up: Parameter,
    trials: list[FrozenTrial],
    scores: Floats,
    palette: str,
    norm: Normalize,
) -> None:
    x, y = across.positions(trials), up.positions(trials)
    points = np.column_stack([across.unit_positions(trials), up.unit_positions(trials)])
    if len(np.unique(points, axis=0)) >= 4 and np.linalg.matrix_rank(points - points[0]) == 2:
        from scipy.interpolate import griddata

        grid = np.linspace(0, 1, 60)
        u, v = np.meshgrid(grid, grid)
        values = griddata(points, scores, (u, v), method="linear", rescale=False)
        ax.contourf(
            _from_unit(across, grid), _from_unit(up, grid), values, 12, cmap=palette, norm=norm, alpha=0.85
        )
    ax.scatter(x, y, c=scores, cmap=palette, norm=norm, s=20, edgecolor=INK, linewidth=0.5)
    ax.grid(visible=False)


def _from_unit(parameter: Parameter, unit: Floats) -> Floats:
    low, high = parameter.limits
    if parameter.logarithmic:
        return np.asarray(np.exp(np.log(low) + unit * (np.log(high) - np.log(low))))
    return low + unit * (high - low)


def parallel_coordinates(study: StudyData, goal: Goal) -> Figure:
    """One line per proposal across all parameters; good ones are drawn on top."""
    parameters = study.parameters
    figure, (ax,) = new_figure(max(6.0, 1.35 * len(parameters) + 1.5), 4.0)
    losses = goal.losses(study.finite)
    scores = losses if goal.minimised else -losses
    palette = mpl.colormaps[f"{PALETTE}_r" if goal.minimised else PALETTE]
    norm = Normalize(scores.min(), scores.max())
    heights = np.array([parameter.unit_positions(study.finite) for parameter in parameters])
    for index in np.argsort(-losses):
        quality = 1 - np.argsort(np.argsort(losses))[index] / max(len(losses) - 1, 1)
        ax.plot(heights[:, index], color=palette(norm(scores[index])), linewidth=0.7 + 1.3 * quality,
                alpha=0.35 + 0.65 * quality)  # fmt: skip
    note(ax, "score", {**{each.name: _values(each, study.finite) for each in parameters}, "value": scores})
    ax.set_xticks(
        range(len(parameters)), [parameter.name for parameter in parameters], rotation=25, ha="right"
    )
    ax.set(ylim=(-0.08, 1.08), yticks=[])
    ax.spines[:].set_visible(False)
    for position, parameter in enumerate(parameters):
        _mark(ax, position, parameter)
    figure.colorbar(mpl.cm.ScalarMappable(norm, palette), ax=ax, label=goal.label)
    return figure


def _mark(ax: Axes, position: int, parameter: Parameter) -> None:
    ax.axvline(position, color=FAINT, linewidth=0.8)
    values = parameter.choices if parameter.choices is not None else parameter.limits
    heights = np.linspace(0, 1, len(values)) if len(values) > 1 else [0.5]
    for height, value in zip(heights, values, strict=True):
        ax.annotate(_label(value), (position, height), (3, 0), textcoords="offset points", fontsize=7,
                    va="center", bbox=PAPER)  # fmt: skip


def importance_bars(importances: Importances) -> Figure:
    """Importance of each parameter, compared with the limit from shuffled scores."""
    count, tested = len(importances.names), importances.tested
    figure, (ax,) = new_figure(7.0, 1.5 + 0.36 * count)
    positions = np.arange(count)
    above = [name in importances.above() for name in importances.names]
    colors = [OKABE_ITO[0] if stands_out else FAINT for stands_out in above]
    note(ax, "importance", {"parameter": importances.names, "value": importances.observed})
    if tested is None or tested.n < importances.n:
        ax.barh(positions, importances.observed, color=FAINT, height=0.55, alpha=0.6,
                label=f"all {importances.n} proposals (descriptive)")  # fmt: skip
    else:
        ax.barh(positions, tested.observed, color=colors, height=0.55)
    if tested is not None:
        note(ax, "importance, tested", {"parameter": importances.names, "value": tested.observed})
        note(ax, "median of shuffled scores", {"parameter": importances.names, "value": tested.null_median})
        note(ax, "limit", {"parameter": ["any"], "value": tested.limit})
        if tested.n < importances.n:
            label = f"the {tested.n} that did not depend on scores (tested)"
            ax.scatter(tested.observed, positions, c=colors, marker="D", edgecolor=INK, zorder=3, label=label)
        ax.scatter(
            tested.null_median, positions, marker="|", s=180, color=INK, label="median of shuffled scores"
        )
        is_seen = tested.limit <= 1
        label = f"limit {tested.limit:.2g}{'' if is_seen else ', beyond the right end'}"
        ax.plot([tested.limit] * 2 if is_seen else [], [count, -1] if is_seen else [], color=ACCENT,
                linewidth=1.6, label=label)  # fmt: skip
    ax.set_yticks(positions, importances.names)
    ax.set(xlim=(0, 1.02), ylim=(count - 0.4, -0.6), xlabel="importance (sums to 1)")
    ax.grid(visible=False, axis="y")
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def confirmation(content: Mapping[str, Any], name: str) -> Figure:
    """Score in the search and scores on fresh seeds, for each configuration that was run again."""
    rows = content["configurations"]
    figure, (ax,) = new_figure(7.0, 3.6)
    for position, row in enumerate(rows):
        scores = np.array(row["scores"][name], dtype=np.float64)
        scores = scores[np.isfinite(scores)]
        named = row["name"] if row["name"] == "default" else f"proposal {int(row['name'])}"
        note(ax, "score on a fresh seed", {"configuration": np.full(len(scores), named), "value": scores})
        offsets = 0.24 * (np.arange(len(scores)) / max(len(scores) - 1, 1) - 0.5)
        ax.plot(
            position + offsets,
            scores,
            "o",
            color=OKABE_ITO[0],
            alpha=0.6,
            markersize=4,
            label="one fresh seed",
        )
        if len(scores):
            low, high = interval(scores, content.get("bounds", {}).get(name))
            ax.vlines(position, low, high, color=INK, linewidth=1.6)
            estimate = {"value": scores.mean(), "low": low, "high": high}
            note(ax, "mean on fresh seeds", {"configuration": [named], **estimate})
            ax.plot([position], [scores.mean()], "D", color="white", markeredgecolor=INK, markersize=7,
                    label="their mean, 95% interval")  # fmt: skip
        if name in row["search"]:
            note(ax, "score in the search", {"configuration": [named], "value": row["search"][name]})
            ax.plot(
                [position - 0.3],
                [row["search"][name]],
                ">",
                color=ACCENT,
                markersize=8,
                label="score in the search",
            )
    once = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    figure.legend(once.values(), once.keys(), loc="outside upper right", ncols=3)
    names = [row["name"] if row["name"] == "default" else f"proposal {int(row['name'])}" for row in rows]
    ax.set_xticks(range(len(rows)), names)
    ylabel = f"{name} (normalised)" if content.get("environments") else name
    ax.set(ylabel=ylabel, xlim=(-0.6, len(rows) - 0.4))
    ax.grid(visible=False, axis="x")
    return figure


def pareto(study: StudyData) -> Figure:
    """Two objectives against each other; the Pareto front is marked."""
    figure, (ax,) = new_figure(6.0, 4.2)
    across, up = study.goals[:2]
    front = study.front()
    for trials, marker, label in ((study.finite, "o", "proposals"), (front, "D", "Pareto front")):
        points = np.array([[t.values[across.index], t.values[up.index]] for t in trials])
        numbers = [trial.number for trial in trials]
        note(ax, label, {"proposal": numbers, across.label: points[:, 0], "value": points[:, 1]}, up.label)
        ax.plot(
            points[:, 0], points[:, 1], marker, color=OKABE_ITO[0] if marker == "o" else ACCENT, label=label
        )
    ax.set(xlabel=_axis_label(across), ylabel=_axis_label(up))
    ax.legend()
    return figure


def _axis_label(goal: Goal) -> str:
    return f"{goal.label} ({'less' if goal.minimised else 'more'} is better)"


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
