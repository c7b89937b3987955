"""The plots of a sweep, with titles and captions, in the order in which they are read."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from analysis.estimates.attainment import Attainment
from analysis.estimates.looks import Looks
from analysis.estimates.robustness import Robustness
from analysis.estimates.scores import Scores, Tuning
from analysis.records import ALL, Axis, Sweep, column, slug
from analysis.report.figures.attainment import attainment_surfaces
from analysis.report.figures.by_value import (
    convergence_by_environment,
    convergence_by_value,
    final_return_by_value,
)
from analysis.report.figures.choices import choices_map
from analysis.report.figures.learning import BAND_FROM, FEW, Curves, losses, returns, returns_one_by_one
from analysis.report.figures.looks import looks_figure
from analysis.report.figures.measures import measure_names, measures_by_value
from analysis.report.figures.painting import Plot
from analysis.report.figures.pairs import heatmap
from analysis.report.figures.profile import has_bands, performance_profile, profile_over_environments
from analysis.report.figures.sensitivity import sensitivity_plane
from analysis.report.figures.style import CROWDED
from analysis.report.figures.survival import convergence_curves
from analysis.wording import p_value
from dqn_exp.text import format_number, format_short


def axis_plots(sweep: Sweep, axis: Axis, episodes: Curves, loss: Curves) -> Iterator[Plot]:
    """The figures about one axis. Figures without recorded data are left out."""
    timeline, pooled, end = sweep.timelines[0], _pooled(sweep, axis), slug(axis.name)
    horizon = format_short(timeline.horizon)
    if sweep.judged:
        yield Plot(
            axis.name,
            f"convergence_{end}",
            "Speed of convergence",
            f"Each dot is one trial: its {timeline.unit} until convergence. Triangles are trials that had "
            "not converged when they ended: they would have taken longer. Diamonds: restricted mean time, "
            f"RMST({horizon}): the mean of T, where every T above {horizon} counts as {horizon}. Thick "
            "dashes: Kaplan–Meier median, the time by which half of the trials had converged, if they did. "
            f"Above: how many converged.{pooled}",
            lambda: convergence_by_value(sweep, axis, timeline, _own_random()),
        )
        yield Plot(
            axis.name,
            f"survival_{end}",
            "How many converged, and by when",
            "Left: fraction of trials that converged within the budget. Right: this fraction over "
            "time. Vertical ticks mark trials that ended unconverged; the numbers below count the "
            f"trials still training.{pooled}",
            lambda: convergence_curves(sweep, axis, timeline),
        )
    scored = bool(np.isfinite(column(sweep.counted, "final_return")).any())
    if scored:
        yield Plot(
            axis.name,
            f"final_return_{end}",
            "Return after training",
            "Mean return of greedy episodes after training, one dot per trial; diamonds are means with "
            f"95% intervals.{pooled}",
            lambda: final_return_by_value(sweep, axis, _own_random()),
        )
    if measure_names(sweep):
        yield Plot(
            axis.name,
            f"measures_{end}",
            "Quality measures",
            "What the environment measured in the greedy episodes after training, one dot per trial; "
            f"diamonds are means with 95% intervals.{pooled}",
            lambda: measures_by_value(sweep, axis, _own_random()),
        )
    band = (
        ". Bands: 95% intervals (darker: at each moment; lighter: at all moments at once); below "
        f"{BAND_FROM} seeds thin lines instead, one per seed"
        if len(axis.values) <= FEW
        else ""
    )
    yield Plot(
        axis.name,
        f"returns_{end}",
        "Learning curves",
        f"Mean over trials of the return, in bins of time{band}. A trial that stopped early "
        f"(for example because it converged) keeps its last value to the end.{pooled}",
        lambda: returns(sweep, axis, episodes, _own_random()),
    )
    if FEW < len(axis.values) <= 2 * CROWDED:
        yield Plot(
            axis.name,
            f"returns_by_{end}",
            "Learning curves, value by value",
            "Each panel: the trials of one value (thin lines) and their mean (thick line); from "
            f"{BAND_FROM} seeds on, with 95% intervals at each moment and at all moments at once. Grey: the "
            f"means of the other values.{pooled}",
            lambda: returns_one_by_one(sweep, axis, episodes, _own_random()),
        )
    if any(loss.values()):
        yield Plot(
            axis.name,
            f"loss_{end}",
            "Loss",
            f"Median loss in bins of updates, first of each trial, then over the trials that were still "
            f"training. Band: their quartiles.{pooled}",
            lambda: losses(sweep, axis, loss),
        )
    if scored:
        yield Plot(
            axis.name,
            f"profile_{end}",
            "Performance profile",
            f"The share of trials whose final return is at least x: higher is better.{pooled}",
            lambda: performance_profile(sweep, axis),
        )


def choices_plot(axis: Axis, robustness: Robustness) -> Plot:
    """The map of choices for which the conclusion about an axis holds."""
    return Plot(
        axis.name,
        f"choices_{slug(axis.name)}",
        "Whatever the analyst chooses",
        "Each cell is one way to test whether values differ. Rows: a measure, up to a time. Columns: a "
        "threshold and the number of consecutive evaluations that must reach it (area and final return need "
        "neither). The frame marks the declared way. A single cell is not a test: one of so many is often "
        f"significant by luck. All cells together: {p_value(robustness.p_largest)} for the strongest, "
        f"{p_value(robustness.p_typical)} for the typical one.",
        lambda: choices_map(robustness),
    )


def attainment_plot(sweep: Sweep, axis: Axis, attainment: Attainment) -> Plot:
    """The share of the trials of each value that had reached a return by a time."""
    compared = (
        f" Below: the share of a value minus that of {axis.name} = {axis.labels()[attainment.reference]}, "
        "over the seeds that both have. Outlined: larger than the largest difference anywhere in 95% of the "
        "permutations of values within seeds, for all compared values together. p: of the largest "
        "difference, times the number of compared values."
        if attainment.differences
        else ""
    )
    return Plot(
        axis.name,
        f"attainment_{slug(axis.name)}",
        "What was reached, and by when",
        "The share of the n trials that had, at or before t, at least one evaluation with a mean return of "
        "at least r. Later, lower returns do not count against it. Red: the highest return that half of the "
        "trials had reached. Unknown: some trial had ended before t without reaching r; a diverged trial is "
        f"known to reach no more.{compared}{_pooled(sweep, axis)}",
        lambda: attainment_surfaces(axis, attainment, sweep.timelines[0]),
    )


def scores_plots(scores: Scores) -> Iterator[Plot]:
    """The figures of scores over several environments."""
    for profiles in scores.profiles:
        about = f": {profiles.axis.name}" if profiles.axis.title else ""
        bands = ". Bands: 95% intervals at each x, over the seeds of each environment"
        yield Plot(
            None,
            f"scores_{slug(profiles.axis.name)}",
            f"Performance profile over environments{about}",
            "The share of trials that score at least x, on average over environments: higher is better. A "
            "score is the final return between random play (0) and the threshold (1) of its environment"
            f"{bands if has_bands(profiles) else ''}. n: trials of all environments.",
            lambda profiles=profiles: profile_over_environments(profiles),  # type: ignore[misc]
        )
    if isinstance(scores.tuning, Tuning):
        yield _sensitivity_plot(scores.tuning)


def _sensitivity_plot(tuning: Tuning) -> Plot:
    alone = " Here these are single settings, which have nothing to lose." if len(tuning.axes) == 1 else ""
    return Plot(
        None,
        "sensitivity",
        "Sensitivity to tuning",
        f"Vertical: the mean score over {tuning.n_environments} environments, if each has its own best "
        "setting. Horizontal: the loss with the best single setting for all of them. One mark is for all "
        f"settings; the others are for the settings with one value of a hyperparameter.{alone} On the dashed "
        "line, the best single setting scores as much as that of all settings; above the line, it scores "
        f"more. Settings are chosen on one half of {tuning.n_seeds} seeds and scored on the other. Lines: "
        "95% intervals.",
        lambda: sensitivity_plane(tuning),
    )


def environments_plot(name: str, parts: Mapping[str, tuple[Sweep, Axis]]) -> Plot:
    """One axis in several environments, side by side."""
    return Plot(
        name,
        f"environments_{slug(name)}",
        "Environment by environment",
        "Each panel is one environment with its own budget and threshold. Each dot is one trial: its time "
        "until convergence. Triangles are trials that had not converged when they ended. Diamonds: "
        "restricted mean time. Thick dashes: median, if half of the trials had converged. Above: how many "
        "converged.",
        lambda: convergence_by_environment(parts, _own_random()),
    )


def sweeps_plot(panels: Mapping[str, tuple[Sweep, Axis]]) -> Plot:
    """Several sweeps, side by side."""
    return Plot(
        "side by side",
        "side_by_side",
        "Sweep by sweep",
        "Each panel is one sweep, over its first axis, with its own budget and threshold. Each dot is one "
        "trial: its time until convergence. Triangles are trials that had not converged when they ended. "
        "Diamonds: restricted mean time. Thick dashes: median, if half of the trials had converged. Above: "
        "how many converged.",
        lambda: convergence_by_environment(panels, _own_random()),
    )


def _ends(numbers: Iterable[float]) -> list[float]:
    """The smallest and the largest number; only one if they are equal."""
    ordered = sorted(numbers)
    return list(dict.fromkeys((ordered[0], ordered[-1])))


def looks_plot(looks: Looks) -> Plot:
    """The looks at each value up to its decision."""
    axis = looks.axis
    levels = " to ".join(
        f"{format_number(level)}%" for level in _ends(100 * look.level for look in looks.decisions.looks)
    )
    added = " Shaded: looks that were added later." if len(looks.schedules) > 1 else ""
    low, high = looks.design.margin
    return Plot(
        axis.name,
        f"looks_{slug(axis.name)}",
        "From look to look",
        f"Left: p of each value against {axis.name} = {axis.labels()[looks.reference]}. A value differs if "
        "its path goes below the boundary (dashed). Right: the ratio of its restricted mean to that of the "
        f"reference, with its {levels} interval. A value is practically equal if this interval lies within "
        f"the margin (dashed, {low:g} to {high:g}). A path ends where its value was decided.{added}",
        lambda: looks_figure(looks),
    )


def pair_plots(sweep: Sweep) -> Iterator[Plot]:
    """A heatmap for each pair of axes with few enough values to be legible."""
    readable = [axis for axis in sweep.axes if axis is not ALL and len(axis.values) <= CROWDED]
    for rows, columns in itertools.combinations(readable, 2):
        others = [axis.name for axis in sweep.axes if axis not in (rows, columns)]
        pooled = f" Pooled over {', '.join(others)}." if others else ""
        yield Plot(
            None,
            f"heatmap_{slug(rows.name)}_{slug(columns.name)}",
            f"{rows.name} and {columns.name} together",
            f"Each cell: the trials of one pair of values, restricted mean time to convergence (RMST), "
            f"how many converged, and mean final return. Lighter cells are faster or better; an empty "
            f"cell has no trials. Intervals are in the table.{pooled}",
            lambda r=rows, c=columns: heatmap(sweep, r, c, sweep.timelines[0]),  # type: ignore[misc]
        )


def _pooled(sweep: Sweep, axis: Axis) -> str:
    others = ", ".join(other.name for other in sweep.axes if other is not axis)
    if not others:
        return ""
    return (
        f" The trials of every value of {others} are pooled. Means and intervals are over seeds: the "
        "trials of a seed are averaged first, because they share its luck."
    )


def _own_random() -> np.random.Generator:
    """A new random generator for one figure, so that a figure does not depend on those painted before it."""
    return np.random.default_rng(0)
