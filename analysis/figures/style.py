"""How figures look: legible in colour, to the colour-blind and in grey print."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from analysis.axes import Axis
from analysis.statistics import Interval

RC: dict[str, Any] = {
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.title_fontsize": 8,
    "lines.linewidth": 1.6,
    "savefig.dpi": 150,
    "pdf.fonttype": 42,
}
"""Plain text everywhere: names in a sweep must not be read as formulas."""

INK, FAINT, ACCENT = "#222222", "#8a8a8a", "#b03a2e"
MARKERS = "osD^vPX<>*ph"
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 3)))
OKABE_ITO = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
"""Colours that the colour-blind can tell apart (Okabe & Ito 2008)."""
CROWDED = 12
"""Values of an axis beyond which legends and risk tables show only some."""


class Style(NamedTuple):
    color: Any
    marker: str
    dash: Any


def styles(axis: Axis) -> list[Style]:
    """One style for each value: ordered values get ordered colours, from dark to light."""
    count = len(axis.values)
    if axis.numeric and count > 2:
        colors: Sequence[Any] = mpl.colormaps["viridis"](np.linspace(0.0, 0.9, count))
    else:
        colors = [OKABE_ITO[index % len(OKABE_ITO)] for index in range(count)]
    return [
        Style(colors[i], MARKERS[i % len(MARKERS)], DASHES[i % len(DASHES)]) for i in range(count)
    ]


def new_figure(width: float, height: float, columns: int = 1, **options: Any) -> tuple[Figure, Any]:
    """A figure that no global state holds, and its axes [columns]."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(1, columns, squeeze=False, **options)[0]


def positions(axis: Axis) -> NDArray[np.float64]:
    """Where each value stands on a horizontal axis: numbers as numbers, names evenly."""
    if not axis.numeric:
        return np.arange(len(axis.values), dtype=np.float64)
    return np.array(axis.values, dtype=np.float64)


def is_logarithmic(axis: Axis) -> bool:
    """A wide range (over 1.5 decades) is drawn on a log scale if that spreads the values better."""
    values = positions(axis)
    if not axis.numeric or values.min() <= 0 or values.max() / values.min() <= 10**1.5:
        return False
    return _least_gap(np.log(values)) > _least_gap(values)


def _least_gap(values: NDArray[np.float64]) -> float:
    """The smallest distance of neighbours, as a share of the range."""
    return float(np.diff(values).min() / np.ptp(values))


def set_value_axis(ax: Axes, axis: Axis) -> None:
    """Scale, ticks and label of a horizontal axis that shows the values of `axis`."""
    at, labels = positions(axis), axis.labels()
    if is_logarithmic(axis):
        ax.set_xscale("log")
    if axis.numeric and len(at) > CROWDED:
        ax.xaxis.set_major_formatter(FuncFormatter(short))
    else:
        ax.xaxis.set_major_locator(FixedLocator(at.tolist()))
        ax.xaxis.set_major_formatter(FixedFormatter(labels))
        crowded = len(labels) * max(map(len, labels)) > 40
        ax.tick_params(axis="x", labelrotation=35 if crowded else 0)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.grid(visible=False, axis="x")
    ax.margins(x=0.08 if len(at) > 1 else 0.5)
    ax.set_xlabel(axis.title)


def spread(ax_values: Axis, count: int, code: int) -> NDArray[np.float64]:
    """Horizontal places of `count` dots around value `code`, so that none hides another: [count]."""
    at = positions(ax_values)
    offsets = (np.arange(count) - (count - 1) / 2) / max(count - 1, 1)
    if len(at) < 2:
        return at[code] + 0.2 * offsets
    if is_logarithmic(ax_values):
        return np.asarray(at[code] * np.exp(0.35 * _gap(np.log(at)) * offsets))
    return np.asarray(at[code] + 0.35 * _gap(at) * offsets)


def _gap(at: NDArray[np.float64]) -> float:
    return float(min(np.diff(at).min(), np.ptp(at) / 8))


def short(value: float, _: int | None = None) -> str:
    """A number for an axis: 50000 is "50k"."""
    for size, suffix in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{suffix}"
    return f"{value:g}"


def count_axis(ax: Axes, which: str) -> None:
    """Large counts on the `which` ("x" or "y") axis are written short."""
    (ax.xaxis if which == "x" else ax.yaxis).set_major_formatter(FuncFormatter(short))


def draw_interval(ax: Axes, x: float, y: float, interval: Interval) -> None:
    """A diamond with its interval; the diamond alone where there is none."""
    if np.isfinite(interval[0]):
        ax.vlines(x, *interval, color=INK, linewidth=1.4, zorder=3)
    ax.plot([x], [y], "D", color="white", markeredgecolor=INK, markersize=6, zorder=4)


def line_at(ax: Axes, y: float, text: str) -> None:
    """A dashed line across, with what it means in the margin's place."""
    ax.axhline(y, color=FAINT, linestyle=(0, (4, 3)), linewidth=1, zorder=1)
    ax.annotate(
        text, (0.995, y), (0, 2), ("axes fraction", "data"), "offset points",
        ha="right", va="bottom", fontsize=7.5, color="#666666",
    )  # fmt: skip


def render(figure: Figure) -> tuple[bytes, bytes]:
    """The figure as PNG (150 dpi) and as PDF; laid out once."""
    png, pdf = io.BytesIO(), io.BytesIO()
    figure.savefig(png, format="png")
    figure.set_layout_engine("none")
    figure.savefig(pdf, format="pdf", metadata={"CreationDate": None})
    return png.getvalue(), pdf.getvalue()
