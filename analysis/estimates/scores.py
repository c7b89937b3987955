"""Scores over several environments: performance profiles, and the loss from one setting for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from analysis.estimates import samples
from analysis.estimates.compare import defines_the_outcome
from analysis.estimates.environments import Profile, profile
from analysis.estimates.sensitivity import SENSITIVITY_FROM, Sensitivity, sensitivity
from analysis.records import ALL, Axis, Row, Sweep, column, seed_of
from dqn_exp.scores import Floats, normalised

POINTS = 201
"""Number of scores at which a profile is computed."""


class ScoredTrials(NamedTuple):
    """One environment: the axes of its sweep, and its trials that have a score."""

    axes: dict[str, Axis]
    rows: list[Row]


class Profiles(NamedTuple):
    """The performance profile of each value of an axis over all environments."""

    axis: Axis
    """The axis, reduced to the values that have scores in every environment."""
    rows: list[list[Row]]
    """The trials of each value, from all environments."""
    profiles: list[Profile]
    fewest_seeds: int
    """The smallest number of seeds of any value in any environment."""


class Variant(NamedTuple):
    """The sensitivity of the agent if one hyperparameter is fixed and the others can be tuned."""

    axis: Axis
    value: int
    """Index of the fixed value on the axis."""
    found: Sensitivity


class Tuning(NamedTuple):
    """How much score is lost if one setting has to serve all environments."""

    axes: list[Axis]
    whole: Sensitivity
    variants: list[Variant]
    n_seeds: int
    n_environments: int


class Scores(NamedTuple):
    profiles: list[Profiles]
    tuning: Tuning | str
    """The sensitivity, or the reason why there is none; empty if there is nothing to tune."""


def over_scores(sweeps: Mapping[str, Sweep], rng: np.random.Generator) -> Scores | None:
    """Profiles and sensitivity over several environments. None if one of them has no scores."""
    parts = [
        ScoredTrials({axis.name: axis for axis in sweep.axes}, _scored(sweep)) for sweep in sweeps.values()
    ]
    if not all(part.rows for part in parts):
        return None
    shared = [name for name in parts[0].axes if all(name in part.axes for part in parts)]
    profiles = [_profiles(name, parts) for name in shared]
    return Scores([each for each in profiles if each.rows], _tuning(parts, rng))


def normalised_returns(rows: Sequence[Row]) -> Floats:
    """Final returns, scaled so that random play is 0 and the threshold 1: [rows].

    NaN where the final return, random play's return or the threshold is unknown.
    """
    return normalised(
        column(rows, "final_return"), column(rows, "returns.random"), column(rows, "convergence.threshold")
    )


def _scored(sweep: Sweep) -> list[Row]:
    rows = sweep.counted
    return [row for row, score in zip(rows, normalised_returns(rows), strict=True) if np.isfinite(score)]


def _profiles(name: str, parts: Sequence[ScoredTrials]) -> Profiles:
    axes = [part.axes[name] for part in parts]
    groups = [
        dict(zip(axis.values, samples.group(part.rows, axis), strict=True))
        for axis, part in zip(axes, parts, strict=True)
    ]
    everywhere = [value for value in axes[0].values if all(group.get(value) for group in groups)]
    found = [[group[value] for group in groups] for value in everywhere]  # [values] of [environments] of rows
    scores = [list(map(normalised_returns, of_each)) for of_each in found]
    at = _points([own for of_each in scores for own in of_each])
    profiles = [
        profile(own, [samples.seeds(rows) for rows in of_each], at)
        for own, of_each in zip(scores, found, strict=True)
    ]
    seeds = [len(set(samples.seeds(rows))) for of_each in found for rows in of_each]
    axis = axes[0] if axes[0] is ALL else replace(axes[0], values=tuple(everywhere))
    rows = [[row for rows in of_each for row in rows] for of_each in found]
    return Profiles(axis, rows, profiles, min(seeds, default=0))


def _points(scores: Sequence[Floats]) -> Floats:
    """Scores at equal distances, from below the lowest score to above the highest."""
    known = np.concatenate([np.empty(0), *scores])
    if not len(known):
        return known
    room = 0.05 * float(np.ptp(known)) or 1.0
    return np.linspace(known.min() - room, known.max() + room, POINTS)


def _tuning(parts: Sequence[ScoredTrials], rng: np.random.Generator) -> Tuning | str:
    axes = list(parts[0].axes.values())
    if any(axis is ALL or defines_the_outcome(axis) for axis in axes):
        return ""
    settings = np.array(list(product(*(range(len(axis.values)) for axis in axes))))
    cells = [_cells(part, axes) for part in parts]
    if any(len(own) < len(settings) for own in cells):
        return "not every setting was tried in every environment"
    seeds = sorted(set.intersection(*(set(cell) for own in cells for cell in own.values())), key=str)
    if len(seeds) < SENSITIVITY_FROM:
        return (
            f"it needs {SENSITIVITY_FROM} seeds that every setting has in every environment (one half to "
            f"choose, the other to score); here there are {len(seeds)}"
        )
    scores = np.array(
        [[[own[tuple(setting)][seed] for seed in seeds] for setting in settings] for own in cells]
    )
    variants = [
        Variant(axis, value, _variant(scores[:, settings[:, index] == value], rng))
        for index, axis in enumerate(axes)
        for value in range(len(axis.values))
    ]
    return Tuning(axes, sensitivity(scores, settings, rng), variants, len(seeds), len(parts))


def _cells(part: ScoredTrials, axes: Sequence[Axis]) -> dict[tuple[int, ...], dict[Any, float]]:
    """For each setting (codes of the axes' values), the score of each seed. {} if the part has other axes."""
    if [(axis.name, axis.values) for axis in part.axes.values()] != [(a.name, a.values) for a in axes]:
        return {}
    codes = np.stack([axis.codes(part.rows) for axis in axes], axis=1).tolist()
    cells: dict[tuple[int, ...], dict[Any, float]] = {}
    for code, row, score in zip(codes, part.rows, normalised_returns(part.rows).tolist(), strict=True):
        cells.setdefault(tuple(code), {})[seed_of(row)] = score
    return cells


def _variant(scores: Floats, rng: np.random.Generator) -> Sensitivity:
    """Sensitivity with all remaining hyperparameters treated as one."""
    return sensitivity(scores, np.arange(scores.shape[1])[:, None], rng)
