"""Wrappers for CartPole: other rewards, and measures of how well the pole is balanced.

Observations are cart position (m), cart velocity (m/s), pole angle (rad) and angular velocity (rad/s).
The measures describe the episode so far. They are computed from the observations that reach the wrapper, so
a wrapper that adds noise belongs outside these.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.envs.classic_control import CartPoleEnv

POSITION, ANGLE, ANGULAR_VELOCITY = 0, 2, 3


class _OnCartPole(gymnasium.Wrapper[np.ndarray, int, np.ndarray, int]):
    """Base class of wrappers that accept only CartPole."""

    def __init__(self, env: gymnasium.Env[np.ndarray, int]) -> None:
        super().__init__(env)
        inner = env.unwrapped
        if not isinstance(inner, CartPoleEnv):
            raise ValueError(f"{env} is not a CartPole; allowed: env.id=CartPole-v0, CartPole-v1")
        self.edge = float(inner.x_threshold)
        """Distance from the centre (m) at which an episode ends."""


class PoleMeasures(_OnCartPole):
    """Measures how long and how steadily the pole stands; changes nothing.

    - steps_balanced: steps of the episode, which the return no longer equals if the reward is changed.
    - rms_angle (rad), rms_angular_velocity (rad/s): root mean squares over the states after each step.
    """

    measure_names: ClassVar[list[str]] = ["steps_balanced", "rms_angle", "rms_angular_velocity"]

    def __init__(self, env: gymnasium.Env[np.ndarray, int]) -> None:
        super().__init__(env)
        self._steps, self._angle, self._velocity = 0, 0.0, 0.0

    def reset(self, **options: Any) -> tuple[np.ndarray, dict[str, Any]]:
        self._steps, self._angle, self._velocity = 0, 0.0, 0.0
        return self.env.reset(**options)

    def step(self, action: int) -> tuple[np.ndarray, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._steps += 1
        self._angle += float(observation[ANGLE]) ** 2
        self._velocity += float(observation[ANGULAR_VELOCITY]) ** 2
        return observation, reward, terminated, truncated, info

    def measures(self) -> dict[str, float]:
        steps = max(self._steps, 1)
        return {
            "steps_balanced": float(self._steps),
            "rms_angle": math.sqrt(self._angle / steps),
            "rms_angular_velocity": math.sqrt(self._velocity / steps),
        }


class SteadyReward(_OnCartPole):
    """Rewards a still pole: exp(-(angle / angle_scale)^2 - (velocity / velocity_scale)^2).

    `velocity` is the angular velocity. The reward of a step is at most 1. It falls to 1/e where the angle is
    angle_scale (rad) or the velocity is velocity_scale (rad/s).
    Each push changes the angular velocity by about 0.3 rad/s, so no policy can hold it at 0.
    """

    def __init__(
        self, env: gymnasium.Env[np.ndarray, int], angle_scale: float = 0.05, velocity_scale: float = 0.5
    ) -> None:
        super().__init__(env)
        if not (angle_scale > 0 and velocity_scale > 0):
            raise ValueError(
                f"angle_scale={angle_scale}, velocity_scale={velocity_scale}; allowed: numbers > 0"
            )
        self._angle_scale, self._velocity_scale = angle_scale, velocity_scale

    def step(self, action: int) -> tuple[np.ndarray, Any, bool, bool, dict[str, Any]]:
        observation, _, terminated, truncated, info = self.env.step(action)
        angle = float(observation[ANGLE]) / self._angle_scale
        velocity = float(observation[ANGULAR_VELOCITY]) / self._velocity_scale
        return observation, math.exp(-(angle**2) - velocity**2), terminated, truncated, info


class TargetReward(_OnCartPole):
    """Rewards a cart near `position` (m): 1 - weight + weight * exp(-(distance / scale)^2).

    `weight` in [0, 1] weighs the position against balancing: 0 is CartPole's own reward, 1 rewards the
    position alone. At the distance `scale` (m) the second part falls to 1/e. Measures distance_to_target
    (m), the distance in the latest state; at the end of an episode, in its last state.
    """

    measure_names: ClassVar[list[str]] = ["distance_to_target"]

    def __init__(
        self,
        env: gymnasium.Env[np.ndarray, int],
        position: float = 1.0,
        weight: float = 0.5,
        scale: float = 0.5,
    ) -> None:
        super().__init__(env)
        if not (0 <= weight <= 1 and scale > 0 and abs(position) < self.edge):
            raise ValueError(
                f"position={position}, weight={weight}, scale={scale}; allowed: |position| < {self.edge}, "
                f"0 <= weight <= 1, scale > 0"
            )
        self._position, self._weight, self._scale = position, weight, scale
        self._distance = 0.0

    def reset(self, **options: Any) -> tuple[np.ndarray, dict[str, Any]]:
        observation, info = self.env.reset(**options)
        self._distance = abs(float(observation[POSITION]) - self._position)
        return observation, info

    def step(self, action: int) -> tuple[np.ndarray, Any, bool, bool, dict[str, Any]]:
        observation, _, terminated, truncated, info = self.env.step(action)
        self._distance = abs(float(observation[POSITION]) - self._position)
        nearness = math.exp(-((self._distance / self._scale) ** 2))
        return observation, 1 - self._weight + self._weight * nearness, terminated, truncated, info

    def measures(self) -> dict[str, float]:
        return {"distance_to_target": self._distance}
