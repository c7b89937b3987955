"""What a trained network sees and does: epsilon-greedy episodes with everything kept."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import numpy as np

from analysis.network.trained import Trained
from dqn_exp.config import EnvConfig
from dqn_exp.envs import make_environments, play
from dqn_exp.seeding import Streams

LONGEST = 1000
"""Steps after which an episode is cut off, also where the environment has no limit of its own."""


@dataclass(frozen=True)
class Rollout:
    """N steps of several episodes."""

    observations: np.ndarray
    """float32[N, D], or uint8[N, C, H, W] of images: what was acted on."""
    greedy: np.ndarray
    """int64[N]: the best action there."""
    actions: np.ndarray
    """int64[N]"""
    rewards: np.ndarray
    """float64[N]"""
    returns: list[float]
    """One for each episode."""
    lengths: list[int]
    """Steps of each episode."""


def roll_out(trained: Trained, epsilon: float, episodes: int, longest: int = LONGEST) -> Rollout:
    """Play `episodes` of at most `longest` steps with fresh random streams, always the same ones."""
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
    return Rollout(trained.seen(rows), greedy, np.array(actions), np.array(rewards), returns, lengths)


def limit_episodes(config: EnvConfig, longest: int) -> EnvConfig:
    """`config` with a time limit: its own, but at most `longest` steps."""
    own = config.max_episode_steps
    return config.model_copy(
        update={"max_episode_steps": min(own, longest) if isinstance(own, int) else longest}
    )
