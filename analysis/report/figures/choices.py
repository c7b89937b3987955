"""The map of all choices of the analyst, which shows where a conclusion holds."""

from __future__ import annotations

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from analysis.estimates.robustness import OF_TIMES, Choice, Robustness
from analysis.report.figures.chart import note
from analysis.report.figures.style import ACCENT, INK, new_figure
from dqn_exp.text import format_number, format_short

STEPS = ((0.01, "p < 0.01", "#1b4f72"), (0.05, "p < 0.05", "#5d9bc7"), (1.01, "p ≥ 0.05", "#eef2f5"))


def choices_map(robustness: Robustness) -> Figure:
    """One cell per choice: rows are measures and budgets, columns thresholds and consecutive evaluations."""
    of_times = [choice for choice in robustness.choices if choice.measure in OF_TIMES]
    across = list(dict.fromkeys(map(_rule, of_times)))
    down = list(dict.fromkeys(map(_measure, robustness.choices)))
    figure, (ax,) = new_figure(2.6 + 0.42 * len(across), 1.8 + 0.28 * len(down))
    for choice, p in zip(robustness.choices, robustness.p, strict=True):
        is_of_times = choice.measure in OF_TIMES
        x, width = (across.index(_rule(choice)), 1) if is_of_times else (0, len(across))
        cell = x, down.index(_measure(choice))
        ax.add_patch(Rectangle(cell, width, 1, facecolor=_color(float(p)), edgecolor="white", linewidth=1))
    named = {name: [str(getattr(choice, name)) for choice in robustness.choices] for name in Choice._fields}
    note(ax, "p of each choice", {**named, "value": robustness.p})
    declared = robustness.choices[robustness.declared]
    cell = across.index(_rule(declared)), down.index(_measure(declared))
    ax.add_patch(Rectangle(cell, 1, 1, facecolor="none", edgecolor=ACCENT, linewidth=2, zorder=3))
    ax.set(xlim=(0, len(across)), ylim=(len(down), 0))
    ax.set_xticks(np.arange(len(across)) + 0.5, [_rule_text(rule) for rule in across], rotation=60)
    ax.set_yticks(
        np.arange(len(down)) + 0.5, [f"{measure}, to {format_short(budget)}" for measure, budget in down]
    )
    ax.set_xlabel("threshold, evaluations in a row")
    ax.grid(visible=False)
    sns.despine(ax=ax, left=True, bottom=True)
    keys = [Patch(facecolor=color, edgecolor=INK, linewidth=0.4, label=label) for _, label, color in STEPS]
    keys.append(Patch(facecolor="none", edgecolor=ACCENT, linewidth=2, label="declared"))
    figure.legend(handles=keys, loc="outside lower center", ncols=4)
    return figure


def _measure(choice: Choice) -> tuple[str, float]:
    return choice.measure, choice.budget


def _rule(choice: Choice) -> tuple[float | None, int | None]:
    return choice.threshold, choice.consecutive


def _rule_text(rule: tuple[float | None, int | None]) -> str:
    level, run = rule
    assert level is not None
    return f"{format_number(level)}, {run}"


def _color(p: float) -> str:
    return next(color for limit, _, color in STEPS if p < limit)
