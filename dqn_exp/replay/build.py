"""Build a replay buffer from its configuration."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from dqn_exp.config import CombinedConfig, OnlineConfig, PrioritisedConfig, ReplayConfig, UniformConfig
from dqn_exp.replay.combined import CombinedReplay
from dqn_exp.replay.n_step import NStepReplay
from dqn_exp.replay.ring import UniformReplay
from dqn_exp.replay.rows import bytes_per_row

Replay = UniformReplay | NStepReplay


def build_replay(
    config: ReplayConfig,
    observations: spaces.Box,
    n_environments: int,
    gamma: float,
    generator: np.random.Generator,
) -> Replay:
    """Build the replay buffer of `config`, for steps of `n_environments` at once."""
    replay = _build_ring(config, observations, gamma, generator)
    return NStepReplay(replay, config.n_step, n_environments) if config.n_step > 1 else replay


def _build_ring(
    config: ReplayConfig, observations: spaces.Box, gamma: float, generator: np.random.Generator
) -> UniformReplay:
    common = (config.capacity, observations, config.batch_size, gamma)
    match config:
        case UniformConfig():
            return UniformReplay(*common, config.replacement, generator)
        case CombinedConfig():
            return CombinedReplay(*common, config.replacement, generator)
        case OnlineConfig():  # capacity 1: holds only the latest transition
            return UniformReplay(*common, True, generator)
        case PrioritisedConfig():
            from dqn_exp.replay.prioritised import PrioritisedReplay  # imports numba

            return PrioritisedReplay(
                *common,
                True,
                generator,
                alpha=config.alpha,
                beta_start=config.beta_start,
                beta_end=config.beta_end,
                beta_updates=config.beta_updates,
                floor=config.priority_floor,
            )


def bytes_per_transition(config: ReplayConfig, observations: spaces.Box) -> int:
    """Bytes of a stored transition: its observations, action, reward, discount and priority."""
    priority = 16 if isinstance(config, PrioritisedConfig) else 0  # a leaf and an inner node of the sum tree
    return bytes_per_row(observations) + 8 + 4 + 4 + priority
