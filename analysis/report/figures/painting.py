"""Draws plots to pictures on all cores in parallel, because drawing takes most of a report's time."""

from __future__ import annotations

import io
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from PIL import Image

from analysis.records import to_csv
from analysis.report.figures.chart import Chart
from analysis.report.figures.style import RC
from analysis.report.page import DPI, render_page

COLOURS = 64
"""Number of colours of a lighter picture."""
DOTS = 5000
"""The most marks and line corners of a panel that vector files hold as vectors; more become an image."""
SVG: Any = {"svg.fonttype": "none", "svg.hashsalt": "dqn_exp"}
"""Text stays text, so it can be searched and edited. The same figure always gives the same bytes."""


class Plot(NamedTuple):
    """A figure that is not drawn yet."""

    axis: str | None
    """Name of the axis that it is about; None if it is about several axes."""
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
    svg: bytes = b""
    csv: str = ""
    """The drawn numbers."""
    words: str = ""
    """A description for readers who cannot see the figure."""

    def files(self) -> dict[str, bytes]:
        """The contents of its files, by file extension."""
        found = {"png": self.png, "pdf": self.pdf, "svg": self.svg, "csv": self.csv.encode()}
        return {ending: content for ending, content in found.items() if content}

    def __repr__(self) -> str:
        return f"Picture({self.name!r})"

    def _repr_html_(self) -> str:
        """HTML that a notebook shows."""
        return render_page("inline.html.j2", title="", sentences=[], rows=[], picture=self.lighter())

    def lighter(self) -> Picture:
        """A picture with few colours and a third of the bytes, for notebooks, which store their pictures."""
        smaller = io.BytesIO()
        Image.open(io.BytesIO(self.png)).convert("RGB").quantize(COLOURS).save(smaller, "PNG", optimize=True)
        return self._replace(png=smaller.getvalue())


def paint_all(plots: Sequence[Plot]) -> list[Picture]:
    """The pictures of `plots`, in the same order."""
    n_painters = min(len(plots), len(os.sched_getaffinity(0))) if sys.platform == "linux" else 1
    if n_painters < 2:
        return [paint(plot) for plot in plots]
    with ExitStack() as stack:
        painters: list[Connection] = []
        for first in range(n_painters):
            painters.append(_start_painter(plots[first::n_painters], painters, stack))
        return [_receive(painters[number % n_painters], plot) for number, plot in enumerate(plots)]


def _start_painter(plots: Sequence[Plot], others: Sequence[Connection], stack: ExitStack) -> Connection:
    """Start a process that sends the pictures of `plots`. It is forked, as plots cannot be pickled.

    The process closes its copies of all receivers, so that sending fails, and it ends, if we are killed.
    """
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    work = plots, sender, [*others, receiver], os.getpid()
    process = context.Process(target=_paint_one_by_one, args=work, daemon=True)
    process.start()
    sender.close()
    stack.callback(process.join)
    stack.callback(process.kill)
    stack.callback(receiver.close)
    return receiver


def _paint_one_by_one(
    plots: Sequence[Plot], sender: Connection, receivers: Sequence[Connection], client: int
) -> None:
    for receiver in receivers:
        receiver.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process handles Ctrl-C
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with suppress(BrokenPipeError):
        try:
            for plot in plots:
                if os.getppid() == client:
                    sender.send(paint(plot))
        except Exception as error:
            sender.send(error)


def _receive(painter: Connection, plot: Plot) -> Picture:
    try:
        answer: Picture | Exception = painter.recv()
    except (EOFError, OSError):  # it was killed
        return paint(plot)
    if isinstance(answer, Exception):
        raise answer
    return answer


def paint(plot: Plot) -> Picture:
    with mpl.rc_context(RC):
        figure = plot.draw()
        return Picture(*plot[:-1], *render(figure), *numbers_and_words(figure))


def numbers_and_words(figure: Figure) -> tuple[str, str]:
    """The drawn numbers of a figure as CSV, and its description in words; empty if nothing was noted."""
    if not (isinstance(figure, Chart) and figure.drawn):
        return "", ""
    return to_csv(figure.table()), figure.words()


def render(figure: Figure) -> tuple[bytes, bytes, bytes]:
    """The figure as PNG, PDF and SVG; laid out once. Characters that no font has appear as boxes."""
    png, pdf, svg = io.BytesIO(), io.BytesIO(), io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        layout = figure.get_layout_engine()
        if layout is not None:
            layout.execute(figure)
            figure.set_layout_engine("none")
        agg: Any = FigureCanvasAgg(figure)  # figure.savefig() draws everything once more for its layout
        agg.print_png(png)
        _simplify(figure)
        vectors: Any = FigureCanvasPdf(figure)
        vectors.print_pdf(pdf, metadata={"CreationDate": None})
        figure.dpi = DPI  # printing a PDF changes it
        vectors = FigureCanvasSVG(figure)
        with mpl.rc_context(SVG):
            vectors.print_svg(svg, metadata={"Date": None})
    return png.getvalue(), pdf.getvalue(), svg.getvalue()


def _simplify(figure: Figure) -> None:
    """Rasterise the marks of panels with very many, because viewers cannot handle so many vectors."""
    for ax in figure.axes:
        marks = [np.size(line.get_xdata(orig=True)) for line in ax.lines]
        marks += [
            np.shape(dots.get_offsets())[0] for dots in ax.collections if isinstance(dots, PathCollection)
        ]
        if sum(marks) > DOTS:
            for artist in (*ax.lines, *ax.collections):
                artist.set_rasterized(True)
