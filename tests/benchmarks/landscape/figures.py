"""Figures of the comparison."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.report.figures.style import ACCENT, FAINT, INK, OKABE_ITO, RC
from tests.benchmarks.landscape.comparison import Comparison


def draw(compared: Sequence[Comparison], directory: Path) -> list[Path]:
    """Two figures as PNG in `directory`."""
    paths = [directory / "landscape_scores.png", directory / "landscape_agreement.png"]
    with matplotlib.rc_context(RC):
        for path, figure in zip(paths, (scores(compared), agreement(compared)), strict=True):
            figure.savefig(path, dpi=150)
    return paths


def scores(compared: Sequence[Comparison]) -> Figure:
    """The mean score of each configuration, theirs against ours."""
    columns = min(2, len(compared))
    rows = -(-len(compared) // columns)
    figure = Figure(figsize=(3.9 * columns, 3.9 * rows + 0.4), layout="constrained")
    for place, one in enumerate(compared, start=1):
        _scatter(figure.add_subplot(rows, columns, place), one)
    kinds = figure.axes[0].get_legend_handles_labels()
    figure.legend(*kinds, loc="outside lower center", ncols=columns, handletextpad=0.2)
    return figure


def _scatter(ax: Axes, one: Comparison) -> None:
    theirs, ours = one.theirs.mean(axis=1), one.ours.mean(axis=1)
    ends = [min(theirs.min(), ours.min()), max(theirs.max(), ours.max())]
    ax.plot(ends, ends, color=FAINT, linewidth=0.8, zorder=1)
    has_target = one.settings["use_target_network"].to_numpy(bool)
    prioritised = one.settings["buffer_prio_sampling"].to_numpy(bool)
    for target, color, told in (
        (True, OKABE_ITO[0], "target network"),
        (False, OKABE_ITO[1], "no target network"),
    ):
        for priority, marker, replay in ((False, "o", "uniform replay"), (True, "^", "prioritised replay")):
            chosen = (has_target == target) & (prioritised == priority)
            ax.scatter(
                theirs[chosen],
                ours[chosen],
                s=16,
                marker=marker,
                facecolor="none" if priority else color,
                edgecolor=color,
                linewidth=0.9,
                label=f"{told}, {replay}",
                zorder=2,
            )
    ax.set_title(f"{one.title}: rank correlation {one.correlation:.2f}")
    ax.set_xlabel(f"theirs: mean return, {one.theirs.shape[1]} seeds")
    ax.set_ylabel(f"ours: mean return, {one.ours.shape[1]} seeds")
    ax.set_aspect("equal", adjustable="datalim")


def agreement(compared: Sequence[Comparison]) -> Figure:
    """Rank correlations: ours with theirs, and theirs among themselves, with as many seeds."""
    figure = Figure(figsize=(7.5, 1.2 + 1.05 * len(compared)), layout="constrained")
    ax = figure.add_subplot()
    labels: list[str] = []
    for block, one in enumerate(compared):
        for line, (name, found) in enumerate(one.correlations.items()):
            y = -(5 * block + line)
            mine = name.startswith("ours")
            color = ACCENT if mine else INK
            ax.plot([found.low, found.high], [y, y], color=color, linewidth=1.4)
            ax.plot(found.value, y, "o" if mine else "s", color=color, markersize=4.5)
            labels.append(name)
        ax.annotate(
            f"{one.title}, {len(one.ours)} configurations",
            (0, -5 * block + 0.75),
            xycoords=("axes fraction", "data"),
            fontsize=9,
            fontweight="bold",
            va="center",
        )
    ticks = [-(5 * block + line) for block in range(len(compared)) for line in range(4)]
    ax.set_yticks(ticks, labels)
    ax.set_ylim(min(ticks) - 0.7, 1.4)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("rank correlation of means (lines: 95% of the ways to divide their seeds)")
    ax.set_xlim(right=1.0)
    return figure
