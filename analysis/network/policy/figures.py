"""Maps of one plane through the observations, and counts of actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.network.policy.maps import Maps, View
from analysis.network.rollouts import Rollout
from analysis.report import OKABE_ITO, RC, new_figure, note
from dqn_exp.text import format_number

DOTS = 600
"""The most visited states that are drawn."""
QUICK_DPI = 80
"""Resolution of a figure that is redrawn while a slider moves."""


def all_maps(view: View, maps: Maps) -> Figure:
    """Q-values, their difference and the greedy action side by side, in a figure that is quick to draw."""
    count = maps.values.shape[-1] + 2
    columns = min(count, 4)
    rows = -(-count // columns)
    with mpl.rc_context({**RC, "figure.dpi": QUICK_DPI}):
        figure = Figure(
            figsize=(3.3 * columns, 3.0 * rows + 0.5)
        )  # no automatic layout: it takes longer than the drawing
        figure.subplots_adjust(0.05, 0.14, 0.98, 0.8, wspace=0.4, hspace=0.5)
        axes = list(figure.subplots(rows, columns, squeeze=False).flat)
        low, high = _limits(maps.values)
        for action, name in enumerate(view.names.actions):
            image = _draw(axes[action], view, maps, maps.values[..., action], "viridis", low, high)
            axes[action].set_title(f"Q({name})")
            figure.colorbar(image, ax=axes[action])
        image, label = _draw_difference(axes[count - 2], view, maps)
        axes[count - 2].set_title(label)
        figure.colorbar(image, ax=axes[count - 2])
        _draw_greedy(axes[count - 1], view, maps)
        axes[count - 1].set_title("greedy action")
        axes[count - 1].legend(
            handles=_patches(view), loc="upper right", fontsize=6.5, frameon=True, framealpha=1
        )
        for ax in axes[count:]:
            ax.set_axis_off()
        _headline(figure, view, "Q-values and greedy action")
    return figure


def value_maps(view: View, maps: Maps) -> Figure:
    """The Q-value of each action, on one colour scale."""
    count = maps.values.shape[-1]
    with mpl.rc_context(RC):
        figure, axes = new_figure(3.1 * count + 1.0, 3.5, count, sharey=True)
        low, high = _limits(maps.values)
        for action, ax in enumerate(axes):
            image = _draw(ax, view, maps, maps.values[..., action], "viridis", low, high)
            ax.set_title(view.names.actions[action])
            _note(ax, view, maps, maps.values[..., action], f"Q-value of {view.names.actions[action]}")
        for ax in axes[1:]:
            ax.set_ylabel("")
        figure.colorbar(image, ax=axes, label="Q-value")
        _headline(figure, view, "Q-value of each action")
    return figure


def difference_map(view: View, maps: Maps) -> Figure:
    """How much the choice matters: Q of the second action minus the first, or best minus second best."""
    with mpl.rc_context(RC):
        figure, (ax,) = new_figure(5.6, 4.0)
        image, label = _draw_difference(ax, view, maps)
        _note(ax, view, maps, maps.difference, label)
        figure.colorbar(image, ax=ax, label=label)
        _headline(figure, view, "How much the choice of action matters")
    return figure


def _draw_difference(ax: Axes, view: View, maps: Maps) -> tuple[Any, str]:
    """Draw the map of the difference; returns its image and its label."""
    if maps.values.shape[-1] != 2:
        high = float(maps.difference.max())
        return _draw(ax, view, maps, maps.difference, "cividis", 0.0, high), "Q(best) − Q(second best)"
    bound = float(np.abs(maps.difference).max()) or 1.0
    image = _draw(ax, view, maps, maps.difference, "PuOr", -bound, bound)
    if maps.difference.min() < 0 < maps.difference.max():
        ax.contour(maps.x, maps.y, maps.difference, [0.0], colors="black", linewidths=1)
    first, second = view.names.actions
    return image, f"Q({second}) − Q({first})"


def greedy_map(view: View, maps: Maps) -> Figure:
    """The action with the largest Q-value at each point."""
    with mpl.rc_context(RC):
        figure, (ax,) = new_figure(5.6, 4.0)
        _draw_greedy(ax, view, maps)
        _note(ax, view, maps, maps.greedy, "greedy action, by number")
        ax.legend(handles=_patches(view), loc="upper left", bbox_to_anchor=(1.01, 1.0))
        _headline(figure, view, "Greedy action")
    return figure


def _draw_greedy(ax: Axes, view: View, maps: Maps) -> None:
    count = len(view.names.actions)
    _draw(ax, view, maps, maps.greedy, ListedColormap(_colors(count)), -0.5, count - 0.5)


def _patches(view: View) -> list[Patch]:
    names = view.names.actions
    return [Patch(color=color, label=name) for color, name in zip(_colors(len(names)), names, strict=True)]


def action_counts(title: str, names: Sequence[str], rollouts: Mapping[float, Rollout]) -> Figure:
    """Share of each action in epsilon-greedy episodes, one panel per epsilon."""
    with mpl.rc_context(RC):
        figure, axes = new_figure(2.6 * len(rollouts) + 0.6, 3.0, len(rollouts), sharey=True)
        for ax, (epsilon, rollout) in zip(axes, rollouts.items(), strict=True):
            counts = np.bincount(rollout.actions, minlength=len(names))
            counted = {"action": list(names), "steps": counts, "value": counts / counts.sum()}
            note(ax, "share of steps", counted, f"epsilon {epsilon:g}")
            bars = ax.bar(names, counts / counts.sum(), color=_colors(len(names)), width=0.6)
            ax.bar_label(bars, [format_number(count) for count in counts], fontsize=7.5, padding=2)
            ax.set_title(f"epsilon {epsilon:g}")
            ax.set_ylim(0, 1.08)
            ax.grid(visible=False, axis="x")
            ax.tick_params(axis="x", labelrotation=25 if len(names) > 2 else 0)
        axes[0].set_ylabel("share of steps")
        figure.suptitle(f"Actions taken (numbers: steps)\n{title}", x=0.01, ha="left", fontsize=9)
    return figure


def _draw(ax: Axes, view: View, maps: Maps, values: np.ndarray, colors: Any, low: float, high: float) -> Any:
    """Draw one map [P, P] with the visited states on it."""
    ax.set_facecolor("#c8c8c8")  # shows where values are not finite
    image = ax.pcolormesh(
        maps.x, maps.y, values, cmap=colors, vmin=low, vmax=high, shading="nearest", rasterized=True
    )
    keep = slice(None, None, max(1, len(view.visited) // DOTS))
    x, y = view.visited[keep, view.x], view.visited[keep, view.y]
    ax.plot(x, y, ".", color="white", markeredgecolor="black", markeredgewidth=0.3, markersize=3, alpha=0.5)
    ax.set(xlim=(maps.x[0], maps.x[-1]), ylim=(maps.y[0], maps.y[-1]))
    ax.set(xlabel=view.label(view.x), ylabel=view.label(view.y))
    ax.grid(visible=False)
    return image


def _note(ax: Axes, view: View, maps: Maps, values: np.ndarray, what: str) -> None:
    """Note the numbers of a map [P, P]."""
    x, y = (place.ravel() for place in np.meshgrid(maps.x, maps.y))
    names = view.names.dimensions
    note(ax, what, {names[view.x]: x, names[view.y]: y, "value": np.ravel(values)})


def _limits(values: np.ndarray) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def _colors(count: int) -> list[str]:
    return [OKABE_ITO[index % len(OKABE_ITO)] for index in range(count)]


def _headline(figure: Figure, view: View, what: str) -> None:
    held = f"; held: {view.held()}" if view.held() else ""
    text = f"{what} · {view.title}\ndots: states of greedy episodes{held}"
    figure.suptitle(text, x=0.01, ha="left", fontsize=8.5, wrap=True)
