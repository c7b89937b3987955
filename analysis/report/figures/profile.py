"""Performance profiles: the share of trials with at least a given return or score."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.estimates import statistics as st
from analysis.estimates.samples import group
from analysis.estimates.scores import Profiles
from analysis.records import Axis, Sweep, column
from analysis.report.figures.chart import note
from analysis.report.figures.learning import BAND_FROM, FEW, legend
from analysis.report.figures.style import FAINT, Style, new_figure, styles


def performance_profile(sweep: Sweep, axis: Axis) -> Figure:
    """Share of trials whose final return is at least x, over x (Agarwal et al. 2021)."""
    figure, (ax,) = new_figure(7.0, 3.8)
    groups = [column(rows, "final_return") for rows in group(sweep.counted, axis)]
    known = np.concatenate(groups)
    at = np.linspace(*_range(known[np.isfinite(known)]), 201)
    for style, label, scores in zip(styles(axis), axis.labels(), groups, strict=True):
        if len(scores):
            share = st.performance_profile(scores, at)
            _draw(ax, at, share, style)
            note(ax, "share of trials", {axis.name: label, "final return at least": at, "value": share})
    ax.set(xlabel="x: final return", ylabel="fraction of trials with final return ≥ x")
    ax.set_ylim(-0.02, 1.05)
    legend(figure, axis, group(sweep.counted, axis))
    return figure


def profile_over_environments(profiles: Profiles) -> Figure:
    """Share of trials of all environments whose score is at least x; with bands if there are few values."""
    figure, (ax,) = new_figure(7.0, 3.8)
    for style, label, profile in zip(
        styles(profiles.axis), profiles.axis.labels(), profiles.profiles, strict=True
    ):
        _draw(ax, profile.at, profile.share, style)
        ends = {"value": profile.share, "low": profile.low, "high": profile.high}
        note(ax, "share of trials", {profiles.axis.name: label, "score at least": profile.at, **ends})
        if has_bands(profiles):
            ax.fill_between(
                profile.at, profile.low, profile.high, step="post", color=style.color, alpha=0.15, linewidth=0
            )
    for score in (0, 1):
        ax.axvline(score, color=FAINT, linestyle=(0, (4, 3)), linewidth=1, zorder=1)
    ax.set(xlabel="x: score (random play 0, threshold 1)", ylabel="fraction of trials with score ≥ x")
    ax.set_ylim(-0.02, 1.05)
    legend(figure, profiles.axis, profiles.rows)
    return figure


def has_bands(profiles: Profiles) -> bool:
    """Are there few enough values to distinguish bands, and enough seeds for them?"""
    return len(profiles.axis.values) <= FEW and profiles.fewest_seeds >= BAND_FROM


def _draw(ax: Axes, at: st.Floats, share: st.Floats, style: Style) -> None:
    ax.plot(
        at, share, drawstyle="steps-post", color=style.color, linestyle=style.line,
        marker=style.marker, markevery=25, markersize=4.5, markeredgewidth=0,
    )  # fmt: skip


def _range(scores: st.Floats) -> tuple[float, float]:
    if not len(scores):
        return 0.0, 1.0
    room = 0.05 * float(np.ptp(scores)) or 1.0
    return float(scores.min()) - room, float(scores.max()) + room
