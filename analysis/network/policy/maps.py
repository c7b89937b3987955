"""Q-values over two dimensions of the observation, with the other dimensions held fixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.errors import AnalysisError
from analysis.network.dimensions import Naming, find_dimension, naming
from analysis.network.rollouts import Rollout
from dqn_exp.text import format_number
from dqn_exp.trained import Trained

Range = tuple[float, float]


@dataclass(frozen=True)
class View:
    """The plane through the observations that is shown; observations have D dimensions."""

    title: str
    names: Naming
    x: int
    y: int
    ranges: Sequence[Range]
    """The range of each dimension: [D]."""
    at: np.ndarray
    """float32[D]: the value at which each dimension is held; those of `x` and `y` are not used."""
    visited: np.ndarray
    """float32[N, D]: observations of greedy episodes."""

    def label(self, dimension: int) -> str:
        unit = self.names.units[dimension]
        return self.names.dimensions[dimension] + (f" ({unit})" if unit else "")

    def held(self) -> str:
        """The dimensions that are held fixed, with their values, in words."""
        others = (d for d in range(len(self.at)) if d not in (self.x, self.y))
        return ", ".join(f"{self.names.dimensions[d]} {format_number(self.at[d])}" for d in others)


@dataclass(frozen=True)
class Maps:
    """Q-values on a grid of P x P points; rows follow y, columns follow x."""

    x: np.ndarray
    """float32[P]"""
    y: np.ndarray
    """float32[P]"""
    values: np.ndarray
    """float32[P, P, A]"""

    @property
    def greedy(self) -> np.ndarray:
        """int64[P, P]: the action with the largest Q-value."""
        return np.asarray(self.values.argmax(axis=-1))

    @property
    def difference(self) -> np.ndarray:
        """float32[P, P]: second action minus first if there are two; else best minus second best."""
        if self.values.shape[-1] == 2:
            return np.asarray(self.values[..., 1] - self.values[..., 0])
        ordered = np.sort(self.values, axis=-1)
        return np.asarray(ordered[..., -1] - ordered[..., -2])


def title_of(trained: Trained) -> str:
    return f"{trained.config.env.id}, {trained.directory.resolve().name}"


def make_view(
    trained: Trained,
    rollout: Rollout,
    x: str | None = None,
    y: str | None = None,
    ranges: Mapping[str, Range | None] | None = None,
    at: Mapping[str, float] | None = None,
) -> View:
    """The requested plane; raises AnalysisError if it does not exist.

    `ranges` may hold ranges for "x" and "y". The other ranges follow the observations of `rollout`, which is
    greedy.
    """
    actions = trained.n_actions, trained.first_action, trained.action_names
    names = naming(trained.config.env.id, trained.observation_size, *actions)
    if trained.observation_size < 2 or trained.n_actions < 2:
        raise AnalysisError(
            f"{trained.config.env.id}: a map needs at least two dimensions of the observation and two actions"
        )
    requested = [None if text is None else find_dimension(text, names.dimensions) for text in (x, y)]
    free = (d for d in varied(rollout.observations, names.shown) if d not in requested)
    first, second = (next(free) if dimension is None else dimension for dimension in requested)
    if first == second:
        raise AnalysisError(f"--x and --y are both {names.dimensions[first]!r}; allowed: two dimensions")
    shown = visited_ranges(rollout.observations)
    given = ranges or {}
    shown[first] = given.get("x") or shown[first]
    shown[second] = given.get("y") or shown[second]
    held = np.median(rollout.observations, axis=0)
    for text, value in (at or {}).items():
        held[find_dimension(text, names.dimensions)] = value
    return View(title_of(trained), names, first, second, shown, held.astype(np.float32), rollout.observations)


def varied(observations: np.ndarray, preferred: Sequence[int]) -> list[int]:
    """The dimensions of `observations` [N, D] in order: those with many values, with two, constant ones.

    Within each group the `preferred` ones come first, then the lower ones.
    """
    distinct = [min(len(np.unique(column)), 3) for column in observations.T]
    others = [d for d in range(len(distinct)) if d not in preferred]
    return sorted([*dict.fromkeys(preferred), *others], key=lambda d: -distinct[d])


def visited_ranges(observations: np.ndarray) -> list[Range]:
    """For each dimension of [N, D], the range from its 1% to its 99% quantile, plus a quarter on each side.

    The range of a constant is 0.5 on each side.
    """
    low, high = np.quantile(observations, (0.01, 0.99), axis=0)
    margin = np.where(high > low, (high - low) / 4, 0.5)
    return [(float(a), float(b)) for a, b in zip(low - margin, high + margin, strict=True)]


def evaluate_view(trained: Trained, view: View, points: int) -> Maps:
    """The network's Q-values on a grid of `points` x `points` points of the plane."""
    x = np.linspace(*view.ranges[view.x], points, dtype=np.float32)
    y = np.linspace(*view.ranges[view.y], points, dtype=np.float32)
    observations = np.tile(view.at, (points, points, 1))
    observations[..., view.x], observations[..., view.y] = x[np.newaxis, :], y[:, np.newaxis]
    values = trained.values(observations.reshape(points * points, -1))
    return Maps(x, y, values.reshape(points, points, -1))
