"""A trained network and its environment, brought back from a trial's records. Runs no code of theirs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from analysis.errors import AnalysisError
from dqn_exp.config import Config, ConfigError, recorded_config
from dqn_exp.envs import make_environment
from dqn_exp.networks import build_network
from dqn_exp.registry import import_modules
from dqn_exp.runs import BEST, NETWORK, load_network, read_json


@dataclass(frozen=True)
class Trained:
    """D: numbers observed, A: actions."""

    directory: Path
    config: Config
    network: nn.Module
    observation_size: int
    n_actions: int

    def values(self, observations: np.ndarray) -> np.ndarray:
        """Q-values float32[N, A] of observations [N, D], in evaluation mode."""
        with torch.inference_mode():
            batch = torch.from_numpy(np.asarray(observations, dtype=np.float32))
            values: np.ndarray = self.network(batch).numpy()
        return values

    def greedy(self, observations: np.ndarray) -> np.ndarray:
        """The action of the largest Q-value, int64[N], for each of the observations [N, D]."""
        best: np.ndarray = self.values(observations).argmax(axis=1)
        return best


def load_config(directory: Path, imports: bool) -> Config:
    """The configuration of a trial; raises AnalysisError where it needs code that `imports` forbids."""
    path = directory / "trial.json"
    if not path.is_file():
        raise AnalysisError(f"{directory} holds no trial (no trial.json in it)")
    try:
        config = recorded_config(read_json(path), str(path))
        if config.imports and not imports:
            raise AnalysisError(
                f"{directory} needs the modules {', '.join(config.imports)}, and looking at results runs no "
                f"code unless asked: add --imports if you trust them"
            )
        import_modules(config.imports)
    except (ConfigError, KeyError, TypeError, ValueError) as error:
        raise AnalysisError(f"{path} cannot be used: {error}") from error
    return config


def load_trained(directory: Path, best: bool = False, imports: bool = False) -> Trained:
    """The network of a trial, from safetensors alone; raises AnalysisError where there is none."""
    config = load_config(directory, imports)
    path = directory / (BEST if best else NETWORK)
    if not path.exists():
        when = "where checkpoint.keep_best asks for it" if best else "when training has ended"
        raise AnalysisError(f"{directory} holds no {path.name}; it is written {when}")
    try:
        env = make_environment(config.env)
        env.close()
        observations, actions = env.observation_space, env.action_space
        network = build_network(config.network, observations, actions, seed=0)
        load_network(path, network)
    except ConfigError as error:
        raise AnalysisError(str(error)) from error
    network.eval()
    return Trained(directory, config, network, math.prod(observations.shape), int(actions.n))
