"""Wrappers that add noise to the observations or actions of any environment.

The noise is drawn from the environment's own generator, so a resumed trial repeats it exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from dqn_exp.masks import MASK


class ObservationNoise(gymnasium.ObservationWrapper[np.ndarray, Any, np.ndarray]):
    """Adds Gaussian noise to every observation, independent from step to step.

    std: the standard deviation of each dimension in its own unit, [D], or one number for all dimensions.
    scale: a factor for all standard deviations, meant to be swept; 0 is no noise.
    """

    def __init__(
        self, env: gymnasium.Env[np.ndarray, Any], std: Sequence[float] | float = 1.0, scale: float = 1.0
    ) -> None:
        super().__init__(env)
        space = env.observation_space
        if not isinstance(space, spaces.Box):
            raise ValueError(f"noise needs an observation of numbers, not {space}; allowed: Box spaces")
        deviation = np.asarray(std, dtype=np.float64)
        if deviation.ndim and deviation.shape != space.shape:
            raise ValueError(f"std has shape {deviation.shape}; allowed: one number, or shape {space.shape}")
        if (deviation < 0).any() or scale < 0:
            raise ValueError(f"std={std}, scale={scale}; allowed: numbers >= 0")
        self._std = deviation * scale

    def observation(self, observation: np.ndarray) -> np.ndarray:
        noise = self.np_random.normal(size=observation.shape) * self._std
        return (observation + noise).astype(observation.dtype)


class ActionNoise(gymnasium.Wrapper[Any, Any, Any, Any]):
    """With `probability`, replaces the chosen action by one of the other actions, all equally likely.

    If the environment gives an action mask, only the other allowed actions are used.
    """

    def __init__(self, env: gymnasium.Env[Any, int], probability: float = 0.1) -> None:
        super().__init__(env)
        if not 0 <= probability <= 1:
            raise ValueError(f"probability={probability}; allowed: 0 to 1")
        actions = env.action_space
        if not isinstance(actions, spaces.Discrete):
            raise ValueError(f"actions are {actions}; allowed: Discrete actions")
        self._n, self._first = int(actions.n), int(actions.start)
        self._probability = probability
        self._mask: np.ndarray | None = None

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(**options)
        self._mask = info.get(MASK)
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(self.action(action))
        self._mask = info.get(MASK)
        return observation, reward, terminated, truncated, info

    def action(self, action: int) -> int:
        if self.np_random.random() >= self._probability:
            return action
        if self._mask is not None:
            return self._another_allowed(action, self._mask)
        others = self.np_random.integers(1, self._n) if self._n > 1 else 0
        return self._first + int(action - self._first + others) % self._n

    def _another_allowed(self, action: int, mask: np.ndarray) -> int:
        others = [int(other) for other in self._first + np.flatnonzero(mask) if other != action]
        return others[self.np_random.integers(len(others))] if others else action
