"""The scores of a search: over proposals and time, by environment, one objective against another."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from analysis.report import ACCENT, FAINT, OKABE_ITO, count_axis, new_figure, note
from analysis.study.data import Goal, StudyData
from analysis.study.environments import best_of, score_table
from analysis.study.figures.drawing import legend_once
from analysis.study.infinite import n_diverged

REPORTED = {
    "steps_to_convergence": "threshold minus mean return",
    "final_return": "mean return",
    "steps_to_convergence (normalised)": "threshold minus mean return (normalised)",
    "final_return (normalised)": "mean return (normalised)",
}
"""For each objective, the intermediate value by which proposals are compared during training."""


def history(study: StudyData, goal: Goal) -> Figure:
    """Scores in the order of the proposals, and the best score so far."""
    figure, (ax,) = new_figure(8.0, 3.6)
    trials = study.finite
    numbers = np.array([study.trials.index(trial) for trial in trials])
    scores, improve = goal.scores(trials), np.minimum if goal.minimised else np.maximum
    ax.plot(numbers, scores, "o", color=OKABE_ITO[0], alpha=0.75, label="complete")
    note(ax, "score", {"proposal": numbers, "value": scores})
    best = improve.accumulate(scores)
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
    legend_once(figure, ax, columns=2)
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
