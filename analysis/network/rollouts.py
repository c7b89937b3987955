"""Plays epsilon-greedy episodes with a trained network and keeps every step."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import numpy as np

from analysis.network.trained import Trained
from dqn_exp.config import EnvConfig
from dqn_exp.envs import make_environments, play
from dqn_exp.seeding import Streams

LONGEST = 1000
"""The most steps of an episode, also for environments without a time limit."""


@dataclass(frozen=True)
class Rollout:
    """N steps of several episodes."""

    observations: np.ndarray
    """float32[N, D], or uint8[N, C, H, W] for images: the observation of each step."""
    greedy: np.ndarray
    """int64[N]: the greedy action."""
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

    def is_enough() -> bool:
        return len(returns) >= episodes

    limited = limit_episodes(trained.config.evaluation_env(), longest)
    with closing(make_environments(limited, streams.episodes("rollout"))) as env:
        env.use_statistics(trained.statistics)
        for step in play(env, act, is_enough):
            observed.append(step.observation[0].copy())
            actions.append(int(step.action[0]))
            rewards.append(float(step.reward[0]))
            returns += [episode.total_return for episode in step.ended]
            lengths += [episode.length for episode in step.ended]
    rows = np.array(observed)
    greedy = trained.greedy(rows)
    return Rollout(
        trained.network_inputs(rows), greedy, np.array(actions), np.array(rewards), returns, lengths
    )


def limit_episodes(config: EnvConfig, longest: int) -> EnvConfig:
    """`config` with a time limit: its own one, or `longest` steps if that is less."""
    own = config.max_episode_steps
    return config.model_copy(
        update={"max_episode_steps": min(own, longest) if isinstance(own, int) else longest}
    )
