"""Evaluation: greedy episodes in a separate environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dqn_exp.envs import VectorEnvironment, play_episodes


@dataclass(frozen=True)
class Score:
    """The results of greedy episodes."""

    returns: list[float]
    measures: dict[str, float]  # means over the episodes

    @property
    def mean(self) -> float:
        return float(np.mean(self.returns))

    @property
    def std(self) -> float:
        """Standard deviation over episodes (population)."""
        return float(np.std(self.returns))


def evaluate(env: VectorEnvironment, greedy: Callable[[np.ndarray], np.ndarray], episodes: int) -> Score:
    """Play at least `episodes` episodes with epsilon = 0.

    Nothing is learned, and nothing is drawn from the random streams of training.
    """
    ended = [episode for step in play_episodes(env, greedy, episodes) for episode in step.ended]
    means = {name: float(np.mean([e.measures[name] for e in ended])) for name in env.measure_names}
    return Score([episode.total_return for episode in ended], means)
