"""Wrappers that turn other action spaces into the Discrete actions of a DQN."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from dqn_exp.masks import MASK

MOST_ACTIONS = 10_000
"""The most combinations, as a network has one output for each."""


class Discretise(gymnasium.ActionWrapper[Any, Any, Any]):
    """Turns Box actions into Discrete ones: one for every combination of `bins` values of each dimension.

    The values of a dimension are evenly spaced from its lower to its upper bound, both included. `bins` is
    one number >= 2, or one for each dimension. The last dimension changes fastest.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], bins: int | Sequence[int] = 3) -> None:
        super().__init__(env)
        space = env.action_space
        if not isinstance(space, spaces.Box):
            raise ValueError(f"actions are {space}; allowed: Box actions")
        if not np.isfinite([space.low, space.high]).all():
            raise ValueError(f"actions {space} have no bounds; allowed: Box actions with finite bounds")
        counts = np.full(space.low.size, bins) if np.ndim(bins) == 0 else np.array(bins)
        if counts.shape != (space.low.size,) or counts.dtype.kind != "i" or (counts < 2).any():
            raise ValueError(f"bins={bins}; allowed: one whole number >= 2, or {space.low.size} of them")
        bounds = zip(space.low.ravel(), space.high.ravel(), counts, strict=True)
        self._values = [np.linspace(low, high, count) for low, high, count in bounds]
        self._counts = tuple(counts.tolist())
        self._space = space
        self.action_space = _numbered(self._counts)

    def action(self, action: int) -> np.ndarray:
        indices = np.unravel_index(int(action), self._counts)
        chosen = [values[place] for values, place in zip(self._values, indices, strict=True)]
        return np.array(chosen, self._space.dtype).reshape(self._space.shape)


class FlattenActions(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Turns MultiDiscrete or MultiBinary actions into Discrete ones: one for every combination.

    The last dimension changes fastest. The masks of the dimensions become one mask of the combinations.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        space = env.action_space
        if isinstance(space, spaces.MultiDiscrete):
            counts, self._start = space.nvec, space.start
        elif isinstance(space, spaces.MultiBinary):
            counts, self._start = np.full(space.shape, 2), np.zeros(space.shape, np.int64)
        else:
            raise ValueError(f"actions are {space}; allowed: MultiDiscrete or MultiBinary actions")
        self._counts = tuple(counts.ravel().tolist())
        self._space = space
        self.action_space = _numbered(self._counts)

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(**options)
        return observation, self._with_one_mask(info)

    def step(self, action: int) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        indices = np.array(np.unravel_index(int(action), self._counts)).reshape(self._space.shape)
        chosen = (indices + self._start).astype(self._space.dtype)
        observation, reward, terminated, truncated, info = self.env.step(chosen)
        return observation, reward, terminated, truncated, self._with_one_mask(info)

    def _with_one_mask(self, info: dict[str, Any]) -> dict[str, Any]:
        """Combine the masks of a MultiDiscrete space, one array for each dimension, into one mask."""
        masks = info.get(MASK)
        if not isinstance(masks, tuple | list) or len(masks) != len(self._counts):
            return info
        return {**info, MASK: reduce(np.multiply.outer, map(np.asarray, masks)).ravel()}


def _numbered(counts: Sequence[int]) -> spaces.Discrete:
    total = math.prod(counts)
    if total > MOST_ACTIONS:
        raise ValueError(
            f"{' x '.join(map(str, counts))} are {total} actions; allowed: at most {MOST_ACTIONS}"
        )
    return spaces.Discrete(total)
