"""Storage of observations and next observations: as arrays, or for images as frames stored once."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from gymnasium import spaces

from dqn_exp.images import ImageBox
from dqn_exp.replay.frames import FrameRows


class Rows(Protocol):
    """Storage for `capacity` rows of an observation and a next observation."""

    @property
    def observation(self) -> Any:
        """The column of observations: `take(indices, axis=0)` gives [B, ...]."""

    @property
    def next_observation(self) -> Any: ...

    def write(self, index: int, observation: np.ndarray, next_observation: np.ndarray) -> None:
        """Replace row `index`."""

    def not_finite(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Those of the first `size` rows that contain NaN or inf, and the first such number of each."""

    def state(self, size: int) -> dict[str, np.ndarray]:
        """The first `size` rows."""

    def load_state(self, size: int, state: dict[str, np.ndarray]) -> None: ...


class ArrayRows:
    """`Rows` in two arrays; the system provides their memory only when rows are written."""

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
        indices = np.flatnonzero(wrong.any(axis=1))
        return indices, rows[indices, wrong[indices].argmax(axis=1)]

    def state(self, size: int) -> dict[str, np.ndarray]:
        return {"observation": self.observation[:size], "next_observation": self.next_observation[:size]}

    def load_state(self, size: int, state: dict[str, np.ndarray]) -> None:
        self.observation[:size] = state["observation"]
        self.next_observation[:size] = state["next_observation"]


def make_rows(capacity: int, observations: spaces.Box) -> Rows:
    """`FrameRows` for images, which store each frame once; otherwise `ArrayRows`."""
    if isinstance(observations, ImageBox):
        return FrameRows(capacity, observations)
    return ArrayRows(capacity, observations)


def bytes_reserved(capacity: int, observations: spaces.Box) -> int:
    """Bytes that the largest single array for `capacity` rows requests from the system, filled or not."""
    if isinstance(observations, ImageBox):
        return FrameRows.bytes_reserved(capacity, observations)
    return capacity * int(np.prod(observations.shape)) * observations.dtype.itemsize


def bytes_per_row(observations: spaces.Box) -> int:
    """Bytes of the two observations of a transition, if each transition begins where the last one ended."""
    if isinstance(observations, ImageBox):
        return FrameRows.bytes_per_row(observations)
    return 2 * int(np.prod(observations.shape)) * observations.dtype.itemsize
