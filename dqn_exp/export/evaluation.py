"""Evaluate a model in greedy episodes with seeds that anyone can repeat."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import numpy as np

from dqn_exp.envs import make_environments, play_episodes
from dqn_exp.trained import Trained
from dqn_exp.training import Score

STATES = 1000
"""The number of observations that are kept for comparisons with other formats."""


@dataclass(frozen=True)
class Evaluation:
    """The results of greedy episodes; episode n begins with `env.reset(seed=first_seed + n)`, n from 0."""

    first_seed: int
    score: Score
    states: np.ndarray
    """The first observations [N, ...] of the episodes."""


def evaluate(trained: Trained, episodes: int, first_seed: int) -> Evaluation:
    """Play `episodes` greedy episodes with the seeds from `first_seed` on."""
    returns: list[float] = []
    states: list[np.ndarray] = []
    config = trained.config.evaluation_env()
    with closing(make_environments(config, lambda _, episode: first_seed + episode)) as env:
        env.use_statistics(trained.statistics)
        for step in play_episodes(env, trained.greedy, episodes):
            if len(states) < STATES:
                states.append(step.observation[0].copy())
            returns += [episode.total_return for episode in step.ended]
    return Evaluation(first_seed, Score(returns, measures={}), np.array(states))
