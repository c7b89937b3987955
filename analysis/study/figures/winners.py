"""The scores of the winners of a search on fresh seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from analysis.report import ACCENT, INK, OKABE_ITO, new_figure, note
from analysis.study.confirmation import interval
from analysis.study.figures.drawing import legend_once


def confirmation(content: Mapping[str, Any], name: str) -> Figure:
    """Score in the search and scores on fresh seeds, for each configuration that was run again."""
    rows = content["configurations"]
    figure, (ax,) = new_figure(7.0, 3.6)
    for position, row in enumerate(rows):
        scores = np.array(row["scores"][name], dtype=np.float64)
        scores = scores[np.isfinite(scores)]
        named = _name(row)
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
    legend_once(figure, ax, columns=3)
    ax.set_xticks(range(len(rows)), [_name(row) for row in rows])
    ylabel = f"{name} (normalised)" if content.get("environments") else name
    ax.set(ylabel=ylabel, xlim=(-0.6, len(rows) - 0.4))
    ax.grid(visible=False, axis="x")
    return figure


def _name(row: Mapping[str, Any]) -> str:
    return "default" if row["name"] == "default" else f"proposal {int(row['name'])}"
