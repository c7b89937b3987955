"""Pieces of a report for use from Python: one figure, or a summary for a notebook."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.errors import AnalysisError
from analysis.records import ALL, Paths, Sweep, read_curve, read_sweep, slug
from analysis.report import overview
from analysis.report.figures import Picture, Plot, axis_plots, pair_plots
from analysis.report.figures.painting import paint
from analysis.report.page import render_page
from analysis.report.summary import summary_rows


def figure(paths: Paths, name: str) -> Picture:
    """The figure of a report with this name, such as "returns_buffer", or "returns" if only one begins so.

    Figures that need tests are only in the report. Raises AnalysisError for an unknown or ambiguous name.
    """
    plots = {plot.name: plot for plot in _plots(read_sweep(paths))}
    matching = [plot for plot in plots.values() if name in (plot.name, _kind(plot))]
    if len(matching) != 1:
        why = "several figures have this name" if matching else "unknown"
        known = dict.fromkeys(plot.name for plot in matching or plots.values())
        raise AnalysisError(f"figure {name!r}: {why}. Allowed: {', '.join(known)}")
    return paint(matching[0])


def _kind(plot: Plot) -> str:
    """Name of the plot without that of its axis, such as "returns"."""
    return plot.name.removesuffix(f"_{slug(plot.axis)}") if plot.axis else plot.name.partition("_")[0]


def inline(paths: Paths) -> str:
    """A piece of HTML about a sweep: its question, a table of its configurations, and the main figure."""
    sweep = read_sweep(paths)
    plots = list(_plots(sweep))
    main = [plot for plot in plots if sweep.axes != [ALL] or _kind(plot) == "returns"]
    picture = paint(main[0]).lighter() if main else None
    return render_page(
        "inline.html.j2",
        title=overview.title(sweep),
        sentences=list(overview.overview(sweep))[:1],
        rows=summary_rows(sweep),
        picture=picture,
    )


def _plots(sweep: Sweep) -> Iterator[Plot]:
    """The figures that describe a sweep, one environment after the other; the main figure comes first."""
    parts = sweep.by_environment()
    for name, part in (parts if len(parts) > 1 else {"": sweep}).items():
        if part.counted:
            prefix = f"{slug(name)}_" if name else ""
            for plot in _of_one(part):
                yield plot._replace(name=f"{prefix}{plot.name}")


def _of_one(sweep: Sweep) -> Iterator[Plot]:
    episodes = {trial.run: read_curve(trial, "episodes", sweep.skipped) for trial in sweep.trials}
    losses = {trial.run: read_curve(trial, "losses", sweep.skipped) for trial in sweep.trials}
    yield from pair_plots(sweep)
    for axis in sweep.axes:
        yield from axis_plots(sweep, axis, episodes, losses)
