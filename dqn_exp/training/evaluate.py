"""Greedy episodes in an environment of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dqn_exp.envs import Environment


@dataclass(frozen=True)
class Score:
    """What greedy episodes earned."""

    returns: list[float]
    measures: dict[str, float]  # means over the episodes

    @property
    def mean(self) -> float:
        return float(np.mean(self.returns))

    @property
    def std(self) -> float:
        """Standard deviation over episodes (population)."""
        return float(np.std(self.returns))


def evaluate(env: Environment, greedy: Callable[[np.ndarray], int], episodes: int) -> Score:
    """Play `episodes` episodes with epsilon = 0. Learns nothing and touches no other stream."""
    returns, measures = [], []
    for _ in range(episodes):
        observation, ended, total = env.reset(), False, 0.0
        while not ended:
            observation, reward, terminated, truncated = env.step(greedy(observation))
            total += reward
            ended = terminated or truncated
        returns.append(float(total))
        measures.append(env.measures())
    names = env.measure_names
    return Score(returns, {name: float(np.mean([m[name] for m in measures])) for name in names})
