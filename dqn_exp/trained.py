"""Loads a trained network and its environment from a trial's records, without running code from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from dqn_exp.config import Config, ConfigError, EnvConfig, recorded_config
from dqn_exp.envs import make_environment
from dqn_exp.images import ImageBox
from dqn_exp.masks import MaskedBox, allowed_actions
from dqn_exp.networks import MaskedNetwork, build_network
from dqn_exp.registry import import_modules
from dqn_exp.runs import BEST, DESCRIPTION, NETWORK, load_network, load_statistics, read_description

AT_A_TIME = 1024
"""Observations that go through a network together; limited because of the memory that images need."""


@dataclass(frozen=True)
class Trained:
    """A trained network with its environment; D is the observation's size, A the number of actions.

    An observed row is [D], or [D + A] if actions have masks, or an image uint8[C, H, W].
    """

    directory: Path
    config: Config
    network: nn.Module
    """Takes observations without masks."""
    observation_size: int
    n_actions: int
    first_action: int
    """The environment's own number of action 0."""
    action_names: tuple[str, ...]
    """The environment's own names of its actions; empty if it has none."""
    has_masks: bool
    images: ImageBox | None
    """The observation space if observations are images, else None."""
    statistics: list[Any]
    """Statistics of the normalising wrappers at the time when the network was saved."""

    def values(self, rows: np.ndarray) -> np.ndarray:
        """Q-values of all actions, in evaluation mode: float32[N, A]."""
        with torch.inference_mode():
            batches = torch.split(torch.from_numpy(self.network_inputs(rows)), AT_A_TIME)
            return np.concatenate([self.network(batch).numpy() for batch in batches])

    def network_inputs(self, rows: np.ndarray) -> np.ndarray:
        """The network's input for rows: images as they are, vectors without masks as float32[N, D]."""
        return rows if self.images else np.asarray(rows[:, : self.observation_size], dtype=np.float32)

    def greedy(self, rows: np.ndarray) -> np.ndarray:
        """For each row, the allowed action with the largest Q-value: int64[N]."""
        return self.best(self.values(rows), rows)

    def best(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """As `greedy`, if the Q-values of the rows are known."""
        if self.has_masks:
            values = np.where(rows[:, self.observation_size :] == 0, -np.inf, values)
        best: np.ndarray = values.argmax(axis=1)
        return best

    def allowed(self, row: np.ndarray) -> np.ndarray:
        """The K actions that one row allows: int64[K]."""
        return allowed_actions(row, self.n_actions) if self.has_masks else np.arange(self.n_actions)

    def evaluation_env(self, longest: int) -> EnvConfig:
        """The environment of greedy episodes, with its own time limit or `longest` steps if that is less."""
        config = self.config.evaluation_env()
        own = config.max_episode_steps
        limit = min(own, longest) if isinstance(own, int) else longest
        return config.model_copy(update={"max_episode_steps": limit})


def load_config(directory: Path, imports: bool) -> Config:
    """The configuration of a trial. Raises ConfigError if it needs a user's modules without `imports`."""
    path = directory / DESCRIPTION
    if not path.is_file():
        raise ConfigError(f"{directory} holds no trial (no {DESCRIPTION} in it)")
    try:
        config = recorded_config(read_description(directory))
        if imports:
            import_modules(config.imports)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} cannot be used: {error}") from error
    if config.imports and not imports:
        raise ConfigError(
            f"{directory} needs the modules {', '.join(config.imports)}, and their code runs only "
            "on request: add --imports if you trust them"
        )
    return config


def load_trained(directory: Path, best: bool = False, imports: bool = False) -> Trained:
    """Load the network of a trial from its safetensors file. Raises ConfigError if there is none."""
    config = load_config(directory, imports)
    path = directory / (BEST if best else NETWORK)
    if not path.exists():
        condition = "if checkpoint.keep_best asks for it" if best else "when training has ended"
        raise ConfigError(f"{directory} holds no {path.name}; it is written {condition}")
    return rebuild(directory, config, path)


def rebuild(directory: Path, config: Config, path: Path) -> Trained:
    """Load the network in `path` for a trial of `config`. Raises ConfigError if they do not fit."""
    env = make_environment(config.env)
    env.close()
    observations, actions = env.observation_space, env.action_space
    network = build_network(config.network, observations, actions, seed=0)
    load_network(path, network)
    statistics = load_statistics(path)
    if isinstance(observations, MaskedBox):
        assert isinstance(network, MaskedNetwork)
        network, observations = network.network, observations.observations
    return Trained(
        directory,
        config,
        network.eval(),
        math.prod(observations.shape),
        int(actions.n),
        env.first_action,
        env.action_names,
        isinstance(env.observation_space, MaskedBox),
        observations if isinstance(observations, ImageBox) else None,
        statistics,
    )
