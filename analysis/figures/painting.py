"""From plots to pictures, side by side on all cores: drawing is most of a report's time."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

from analysis.figures.style import RC


class Plot(NamedTuple):
    """A figure that is still to be drawn."""

    axis: str | None
    """Name of the axis that it is about; None for a pair of axes."""
    name: str
    title: str
    caption: str
    draw: Callable[[], Figure]


class Picture(NamedTuple):
    axis: str | None
    name: str
    title: str
    caption: str
    png: bytes
    pdf: bytes


def paint_all(plots: Sequence[Plot]) -> list[Picture]:
    """The pictures of `plots`, in their order."""
    n_painters = min(len(plots), len(os.sched_getaffinity(0))) if sys.platform == "linux" else 1
    if n_painters < 2:
        return [paint(plot) for plot in plots]
    with get_context("fork").Pool(n_painters, _become_painter, (plots,)) as pool:
        return pool.map(_paint_number, range(len(plots)), chunksize=1)


_plots: Sequence[Plot] = ()
"""What a painter process may be asked to paint: inherited, for what draws cannot be sent."""


def _become_painter(plots: Sequence[Plot]) -> None:
    global _plots
    _plots = plots
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asked for the pictures deals with Ctrl-C
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _paint_number(index: int) -> Picture:
    return paint(_plots[index])


def paint(plot: Plot) -> Picture:
    with mpl.rc_context(RC):
        png, pdf = render(plot.draw())
    return Picture(*plot[:-1], png, pdf)


def render(figure: Figure) -> tuple[bytes, bytes]:
    """The figure as PNG and as PDF; laid out once."""
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.execute(figure)
        figure.set_layout_engine("none")
    png, pdf = io.BytesIO(), io.BytesIO()
    agg: Any = FigureCanvasAgg(figure)  # figure.savefig() draws everything once more, for its layout
    agg.print_png(png)
    vectors: Any = FigureCanvasPdf(figure)
    vectors.print_pdf(pdf, metadata={"CreationDate": None})
    return png.getvalue(), pdf.getvalue()
