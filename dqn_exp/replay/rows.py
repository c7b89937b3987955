"""Observations of stored transitions and what followed them: as arrays, or as frames stored once."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from gymnasium import spaces

from dqn_exp.images import ImageBox
from dqn_exp.replay.frames import FrameRows


class Rows(Protocol):
    """Room for `capacity` rows of two observations each."""

    @property
    def observation(self) -> Any:
        """The column of observations: `take(indices, axis=0)` gives [B, ...]."""

    @property
    def next_observation(self) -> Any: ...

    def write(self, index: int, observation: np.ndarray, next_observation: np.ndarray) -> None:
        """Replace row `index`."""

    def not_finite(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Of the first `size` rows those with a number that is NaN or infinite, and such a number of each."""

    def state(self, size: int) -> dict[str, np.ndarray]:
        """The first `size` rows."""

    def load_state(self, size: int, state: dict[str, np.ndarray]) -> None: ...


class ArrayRows:
    """Two arrays, whose memory is taken from the system only as rows are written."""

    def __init__(self, capacity: int, observations: spaces.Box) -> None:
        self.observation, self.next_observation = (
            np.zeros((capacity, *observations.shape), observations.dtype) for _ in range(2)
        )

    def write(self, index: int, observation: np.ndarray, next_observation: np.ndarray) -> None:
        self.observation[index] = observation
        self.next_observation[index] = next_observation

    def not_finite(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        columns = (self.observation, self.next_observation)
        rows = np.concatenate([column[:size].reshape(size, -1) for column in columns], axis=1)
        wrong = ~np.isfinite(rows)
        found = np.flatnonzero(wrong.any(axis=1))
        return found, rows[found, wrong[found].argmax(axis=1)]

    def state(self, size: int) -> dict[str, np.ndarray]:
        return {"observation": self.observation[:size], "next_observation": self.next_observation[:size]}

    def load_state(self, size: int, state: dict[str, np.ndarray]) -> None:
        self.observation[:size] = state["observation"]
        self.next_observation[:size] = state["next_observation"]


def make_rows(capacity: int, observations: spaces.Box) -> Rows:
    """Of images each frame is stored once, of other observations both of each transition."""
    if isinstance(observations, ImageBox):
        return FrameRows(capacity, observations)
    return ArrayRows(capacity, observations)


def bytes_reserved(capacity: int, observations: spaces.Box) -> int:
    """What the largest array of so many rows asks the system for, filled or not."""
    if isinstance(observations, ImageBox):
        return FrameRows.bytes_reserved(capacity, observations)
    return capacity * int(np.prod(observations.shape)) * observations.dtype.itemsize


def bytes_per_row(observations: spaces.Box) -> int:
    """What two observations of a transition take where each transition begins where the last one ended."""
    if isinstance(observations, ImageBox):
        return FrameRows.bytes_per_row(observations)
    return 2 * int(np.prod(observations.shape)) * observations.dtype.itemsize
