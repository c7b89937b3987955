"""From the configuration of a replay to the replay."""

from __future__ import annotations

import numpy as np

from dqn_exp.config import ReplayConfig
from dqn_exp.replay.n_step import NStepReplay
from dqn_exp.replay.prioritised import PrioritisedReplay
from dqn_exp.replay.ring import UniformReplay

Replay = UniformReplay | NStepReplay


def build_replay(
    config: ReplayConfig, observation_size: int, gamma: float, generator: np.random.Generator
) -> Replay:
    """The replay of `config`. `online` is a ring that holds the latest transition alone."""
    common = (
        config.capacity,
        observation_size,
        config.batch_size,
        gamma,
        config.replacement,
        generator,
    )
    replay = UniformReplay(*common)
    if config.name == "prioritised":
        replay = PrioritisedReplay(
            *common,
            alpha=config.alpha,
            beta_start=config.beta_start,
            beta_end=config.beta_end,
            beta_updates=config.beta_updates,
            floor=config.priority_floor,
        )
    return NStepReplay(replay, config.n_step) if config.n_step > 1 else replay
