"""What a trained network sees and does: epsilon-greedy episodes with everything kept."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import numpy as np

from analysis.network.trained import Trained
from dqn_exp.envs import make_environment
from dqn_exp.seeding import Streams

LONGEST = 1000
"""Steps after which an episode is cut off, also where the environment has no limit of its own."""


@dataclass(frozen=True)
class Rollout:
    """N steps of several episodes."""

    observations: np.ndarray
    """float32[N, D]: what was acted on."""
    actions: np.ndarray
    """int64[N]"""
    rewards: np.ndarray
    """float64[N]"""
    returns: list[float]
    """One for each episode."""


def roll_out(trained: Trained, epsilon: float, episodes: int, longest: int = LONGEST) -> Rollout:
    """Play `episodes` of at most `longest` steps with fresh random streams, always the same ones."""
    streams = Streams(trained.config.seed)
    explorer = streams.generator(f"rollout {epsilon}")
    observations: list[np.ndarray] = []
    actions: list[int] = []
    rewards: list[float] = []
    returns: list[float] = []
    with closing(make_environment(trained.config.env, streams.integer("rollout"))) as env:
        for _ in range(episodes):
            observation, start = env.reset(), len(rewards)
            for _ in range(longest):
                explores = explorer.random() < epsilon
                action = int(explorer.integers(env.n_actions)) if explores else trained.greedy(observation)
                observations.append(observation)
                actions.append(action)
                observation, reward, terminated, truncated = env.step(action)
                rewards.append(reward)
                if terminated or truncated:
                    break
            returns.append(float(sum(rewards[start:])))
    return Rollout(np.array(observations), np.array(actions), np.array(rewards, np.float64), returns)
