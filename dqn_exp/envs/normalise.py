"""gymnasium's wrappers that normalise by running statistics, extended so that the statistics can be saved.

A resumed trial continues with its statistics, and greedy episodes use the statistics of training.
"""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.wrappers.utils import RunningMeanStd


class NormalizeObservation(gymnasium.wrappers.NormalizeObservation[Any, Any, Any]):
    """Observations minus their mean, divided by their standard deviation, over all of training so far."""

    def state(self) -> dict[str, Any]:
        return _state(self.obs_rms)

    def load_state(self, state: dict[str, Any]) -> None:
        _load_state(self.obs_rms, state)

    def freeze(self) -> None:
        """Use the statistics from here on without adding to them."""
        self.update_running_mean = False


class NormalizeReward(gymnasium.wrappers.NormalizeReward[Any, Any]):
    """Rewards divided by the standard deviation of their discounted sums in training.

    Measures unscaled_return, which has the same unit in every trial and at every time, unlike the return.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], gamma: float = 0.99, epsilon: float = 1e-8) -> None:
        super().__init__(UnscaledReturn(env), gamma, epsilon)

    def state(self) -> dict[str, Any]:
        return {**_state(self.return_rms), "sum": float(self.discounted_reward[0])}

    def load_state(self, state: dict[str, Any]) -> None:
        _load_state(self.return_rms, state)
        self.discounted_reward = np.array([state["sum"]])

    def freeze(self) -> None:
        """Use the statistics from here on without adding to them."""
        self.update_running_mean = False


class UnscaledReturn(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Measures the return of the episode before an outer wrapper changes the rewards."""

    measure_names: ClassVar[list[str]] = ["unscaled_return"]

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        self._total = 0.0
        return self.env.reset(**options)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._total += float(reward)
        return observation, reward, terminated, truncated, info

    def measures(self) -> dict[str, float]:
        return {"unscaled_return": self._total}


def _state(statistics: RunningMeanStd) -> dict[str, Any]:
    return {
        "mean": np.array(statistics.mean),
        "var": np.array(statistics.var),
        "count": float(statistics.count),
    }


def _load_state(statistics: RunningMeanStd, state: dict[str, Any]) -> None:
    for name in ("mean", "var"):
        setattr(statistics, name, np.reshape(state[name], np.shape(getattr(statistics, name))).copy())
    statistics.count = state["count"]
