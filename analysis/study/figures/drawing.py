"""What several figures of a study share."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure


def legend_once(figure: Figure, ax: Axes, columns: int) -> None:
    """A legend above the figure that names each label of `ax` once, however often it was drawn."""
    once = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    figure.legend(once.values(), once.keys(), loc="outside upper right", ncols=columns)
