"""The style of figures, legible in colour, for colour-blind readers and in grey print."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from analysis.records import Axis
from analysis.report.figures.chart import Chart, note
from analysis.report.page import DPI
from dqn_exp.scores import NO_INTERVAL, Floats, Interval
from dqn_exp.text import format_short

INSTALLED = {font.name for font in fontManager.ttflist}
OTHER_SCRIPTS = ("Noto Sans CJK JP", "Noto Sans CJK SC", "WenQuanYi Zen Hei", "Hiragino Sans")
"""Fonts for letters that DejaVu Sans lacks."""
FONTS = ["DejaVu Sans", *(name for name in OTHER_SCRIPTS if name in INSTALLED)]
"""The first font comes with matplotlib, so it is the same everywhere."""

RC: Any = {
    **sns.axes_style("whitegrid"),
    **sns.plotting_context("paper"),
    "text.parse_math": False,
    "font.sans-serif": FONTS,
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.edgecolor": "#444444",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.title_fontsize": 8,
    "lines.linewidth": 1.6,
    "figure.dpi": DPI,
    "xtick.bottom": True,
    "xtick.major.size": 3,
}
"""Seaborn's theme, with plain text everywhere, so that names in a sweep are not read as formulas."""

INK, FAINT, ACCENT = "#222222", "#8a8a8a", "#b03a2e"
MARKERS = "osD^vPX<>*ph"
DASHES = ((1, 0), (4, 1.5), (5, 1.5, 1, 1.5), (1, 1), (5, 1, 1, 1, 1, 1), (8, 3))
"""Lengths of dashes and gaps, in line widths; the first is a solid line."""
OKABE_ITO = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
"""Colours that colour-blind readers can distinguish (Okabe & Ito 2008)."""
LETTERS_PER_INCH = 14
"""Average letters per inch of labels and legends."""
CROWDED = 12
"""The most values of an axis that legends and risk tables show completely."""


class Style(NamedTuple):
    color: Any
    marker: str
    dash: tuple[float, ...]

    @property
    def line(self) -> Any:
        """The line style in matplotlib's notation."""
        return (0, self.dash) if self.dash[1] else "-"


def styles(axis: Axis) -> list[Style]:
    """One style for each value: ordered values get ordered colours, from dark to light."""
    count = len(axis.values)
    if axis.numeric and count > 2:
        colors = sns.color_palette("viridis", count)
    else:
        colors = sns.color_palette(OKABE_ITO, count)
    return [Style(colors[i], MARKERS[i % len(MARKERS)], DASHES[i % len(DASHES)]) for i in range(count)]


def wrapped(text: str, inches: float) -> str:
    """`text` in lines of at most about `inches`; lines break only between words."""
    letters = max(int(LETTERS_PER_INCH * inches), 1)
    return textwrap.fill(text, letters, break_long_words=False, break_on_hyphens=False)


def panel_width(ax: Axes) -> float:
    """Width of one panel of a figure in inches, with its labels."""
    place = ax.get_subplotspec()
    assert place is not None
    return float(ax.get_figure(root=True).get_figwidth() / place.get_gridspec().ncols)  # type: ignore[union-attr]


def legend_columns(figure: Figure, labels: Sequence[str], most: int) -> int:
    """The number of legend columns below a figure: as many as fit its width, at most `most`."""
    letters = LETTERS_PER_INCH * figure.get_figwidth()
    return max(min(len(labels), most, int(letters / (max(map(len, labels)) + 7))), 1)


def new_figure(width: float, height: float, columns: int = 1, **options: Any) -> tuple[Figure, Any]:
    """A figure outside of pyplot's global state, and its axes [columns]."""
    figure = Chart(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(1, columns, squeeze=False, **options)[0]


def positions(axis: Axis) -> NDArray[np.float64]:
    """Position of each value on a horizontal axis: numbers as they are, names at equal distances."""
    if not axis.numeric:
        return np.arange(len(axis.values), dtype=np.float64)
    return np.array(axis.values, dtype=np.float64)


def is_logarithmic(axis: Axis) -> bool:
    """Should the axis have a log scale? Yes if it spans over a decade and its values are better spread."""
    values = positions(axis)
    if not axis.numeric or values.min() <= 0 or values.max() / values.min() <= 10:
        return False
    return _least_gap(np.log(values)) > _least_gap(values)


def _least_gap(values: NDArray[np.float64]) -> float:
    """The smallest distance between neighbours, as a share of the range."""
    return float(np.diff(values).min() / np.ptp(values))


def value_figure(axis: Axis, height: float) -> tuple[Figure, Axes]:
    """A figure whose horizontal axis has the scale of `axis`; call `label_values` at the end."""
    figure, (ax,) = new_figure(7.5 if len(axis.values) > 4 else 6.5, height)
    ax.set_xscale("log" if is_logarithmic(axis) else "linear")
    return figure, ax


def label_values(ax: Axes, axis: Axis) -> None:
    """Set ticks and label of a horizontal axis for all values of `axis`, including those without trials."""
    at, labels = positions(axis), axis.labels()
    ax.update_datalim([(x, 0.0) for x in at], updatey=False)
    if axis.numeric and len(at) > CROWDED:
        ax.xaxis.set_major_formatter(short_ticks())
    else:
        ax.xaxis.set_major_locator(FixedLocator(at.tolist()))
        ax.xaxis.set_major_formatter(FixedFormatter(labels))
        ax.tick_params(axis="x", labelrotation=tilt(axis, labels))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.grid(visible=False, axis="x")
    ax.margins(x=0.08 if len(at) > 1 else 0.5)
    ax.set_xlabel(wrapped(axis.title, panel_width(ax)))


def tilt(axis: Axis, labels: Sequence[str]) -> int:
    """Degrees by which the `labels` of values must be rotated so that they do not overlap."""
    at = np.log(positions(axis)) if is_logarithmic(axis) else positions(axis)
    gap = _least_gap(at) if len(at) > 1 else 1.0
    return 35 if max(map(len, labels)) + 1 > 58 * gap else 0  # about 58 letters fit along the axis


def spread(axis: Axis, count: int, code: int) -> Floats:
    """Positions of `count` dots left of value number `code`; no dot hides another or the mean: [count]."""
    at = positions(axis)
    offsets = -0.12 - 0.28 * np.linspace(1, 0, count) if count > 1 else np.full(count, -0.2)
    if len(at) < 2:
        return np.asarray(at[code] + 0.3 * offsets, dtype=np.float64)
    if is_logarithmic(axis):
        return np.asarray(at[code] * np.exp(_gap(np.log(at)) * offsets))
    return np.asarray(at[code] + _gap(at) * offsets, dtype=np.float64)


def _gap(at: NDArray[np.float64]) -> float:
    return float(min(np.diff(at).min(), np.ptp(at) / 8))


def short_ticks() -> FuncFormatter:
    """Ticks such as "50k"."""
    return FuncFormatter(lambda value, _: format_short(value))


def count_axis(ax: Axes, which: str) -> None:
    """Shorten large counts on the `which` ("x" or "y") axis."""
    (ax.xaxis if which == "x" else ax.yaxis).set_major_formatter(short_ticks())


def draw_means(
    ax: Axes,
    axis: Axis,
    samples: Sequence[Floats],
    interval: Callable[[Floats], Interval],
    what: str,
    panel: str = "",
) -> None:
    """Draw a diamond at the mean of each value's sample, with its interval; empty samples are skipped.

    `what` describes the means in words.
    """
    estimates = [
        (at, label, float(np.mean(sample)), *(interval(sample) if len(sample) > 1 else NO_INTERVAL))
        for at, label, sample in zip(positions(axis), axis.labels(), samples, strict=True)
        if len(sample)
    ]
    if estimates:
        x, labels, means, low, high = zip(*estimates, strict=True)
        ax.plot(x, means, "D", color=INK, markerfacecolor="white", markersize=6, markeredgewidth=1, zorder=4)
        for at, *ends in zip(x, low, high, strict=True):
            ax.plot([at, at], ends, color=INK, linewidth=1.4, zorder=4)
        note(ax, what, {axis.name: labels, "value": means, "low": low, "high": high}, panel)


def draw_lines(
    ax: Axes, axis: Axis, at: Floats, lines: Sequence[Floats], what: str, clock: str, panel: str = ""
) -> None:
    """Draw a line over `at` [m] for each value in its style. `lines` are [m] or empty; NaN is left out.

    `what` describes the lines and `clock` the horizontal axis, in words.
    """
    for style, label, line in zip(styles(axis), axis.labels(), lines, strict=True):
        known = np.isfinite(line)
        note(ax, what, {axis.name: label, clock: at[: len(line)][known], "value": line[known]}, panel)
        ax.plot(
            at[: len(line)][known], line[known], color=style.color, linestyle=style.line, marker=style.marker,
            markevery=(len(at) // 12, max(len(at) // 4, 1)), markersize=4.5, markeredgewidth=0,
        )  # fmt: skip


def line_at(ax: Axes, y: float, text: str) -> None:
    """Draw a dashed horizontal line, with its meaning outside the plot on the right."""
    ax.axhline(y, color=FAINT, linestyle=(0, (4, 3)), linewidth=1, zorder=1)
    ax.annotate(
        text, (1, y), (3, 0), ("axes fraction", "data"), "offset points",
        ha="left", va="center", fontsize=7.5, color="#555555", annotation_clip=False,
    )  # fmt: skip
