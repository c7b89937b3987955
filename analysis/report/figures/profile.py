"""Performance profile: which share of the trials did at least so well."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from analysis.estimates import group
from analysis.estimates import statistics as st
from analysis.records import Axis, Sweep, column
from analysis.report.figures.learning import legend
from analysis.report.figures.style import new_figure, styles


def performance_profile(sweep: Sweep, axis: Axis) -> Figure:
    """Share of trials whose final return is at least x, over x (Agarwal et al. 2021)."""
    figure, (ax,) = new_figure(7.0, 3.8)
    groups = [column(rows, "final_return") for rows in group(sweep.counted, axis)]
    known = np.concatenate(groups)
    at = np.linspace(*_range(known[np.isfinite(known)]), 201)
    for style, scores in zip(styles(axis), groups, strict=True):
        if len(scores):
            share = st.performance_profile(scores, at)
            ax.plot(
                at, share, drawstyle="steps-post", color=style.color, linestyle=style.line,
                marker=style.marker, markevery=25, markersize=4.5, markeredgewidth=0,
            )  # fmt: skip
    ax.set(xlabel="x: final return", ylabel="fraction of trials with final return ≥ x")
    ax.set_ylim(-0.02, 1.05)
    legend(figure, axis, group(sweep.counted, axis))
    return figure


def _range(scores: st.Floats) -> tuple[float, float]:
    if not len(scores):
        return 0.0, 1.0
    room = 0.05 * float(np.ptp(scores)) or 1.0
    return float(scores.min()) - room, float(scores.max()) + room
