"""Plays epsilon-greedy episodes with a trained network and keeps every step."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import numpy as np

from dqn_exp.envs import make_environments, play_episodes
from dqn_exp.seeding import Streams
from dqn_exp.trained import Trained

LONGEST = 1000
"""The most steps of an episode, also for environments without a time limit."""


@dataclass(frozen=True)
class Rollout:
    """N steps of several episodes."""

    observations: np.ndarray
    """float32[N, D], or uint8[N, C, H, W] for images: the observation of each step."""
    values: np.ndarray
    """float32[N, A]: Q-values."""
    greedy: np.ndarray
    """int64[N]: the allowed action with the largest Q-value."""
    actions: np.ndarray
    """int64[N]: the action that was taken."""
    rewards: np.ndarray
    """float64[N]"""
    returns: list[float]
    """Return of each episode."""
    lengths: list[int]
    """Steps of each episode."""


def roll_out(trained: Trained, epsilon: float, episodes: int, longest: int = LONGEST) -> Rollout:
    """Play `episodes` of at most `longest` steps. The random streams depend only on the trial's seed."""
    streams = Streams(trained.config.seed)
    explorer = streams.generator(f"rollout {epsilon}")
    observed: list[np.ndarray] = []
    actions: list[int] = []
    rewards: list[float] = []
    returns: list[float] = []
    lengths: list[int] = []

    def act(observations: np.ndarray) -> np.ndarray:
        if explorer.random() < epsilon:
            allowed = trained.allowed(observations[0])
            return allowed[explorer.integers(len(allowed), size=1)]
        return trained.greedy(observations)

    with closing(make_environments(trained.evaluation_env(longest), streams.episodes("rollout"))) as env:
        env.use_statistics(trained.statistics)
        for step in play_episodes(env, act, episodes):
            observed.append(step.observation[0].copy())
            actions.append(int(step.action[0]))
            rewards.append(float(step.reward[0]))
            returns += [episode.total_return for episode in step.ended]
            lengths += [episode.length for episode in step.ended]
    rows = np.array(observed)
    values = trained.values(rows)
    return Rollout(
        trained.network_inputs(rows),
        values,
        trained.best(values, rows),
        np.array(actions),
        np.array(rewards),
        returns,
        lengths,
    )
