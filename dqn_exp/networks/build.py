"""From the configuration of a network to a module with its first weights."""

from __future__ import annotations

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn

from dqn_exp.config import ConfigError, NetworkConfig
from dqn_exp.masks import MaskedBox
from dqn_exp.networks.masked import MaskedNetwork
from dqn_exp.networks.mlp import MLP
from dqn_exp.registry import networks


def build_network(
    config: NetworkConfig, observations: spaces.Box, actions: spaces.Discrete, seed: int
) -> nn.Module:
    """A module that maps observations [B, *observations.shape] to Q-values float32[B, actions.n].

    Raises ConfigError where a user's own returns something else. Of a `MaskedBox` it is given the
    observations without the masks, of an `ImageBox` uint8.
    """
    is_masked = isinstance(observations, MaskedBox)
    seen = observations.observations if isinstance(observations, MaskedBox) else observations
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network: nn.Module = networks[config.name](seen, actions, config)
        if not isinstance(network, MLP):
            _check(f"network.name={config.name}", network, seen, int(actions.n))
        if config.init == "uniform":
            for parameter in network.parameters():
                nn.init.uniform_(parameter, -config.init_scale, config.init_scale)
    return MaskedNetwork(network, int(actions.n)) if is_masked else network


def _check(name: str, network: nn.Module, observations: spaces.Box, n_actions: int) -> None:
    """One forward pass, of one observation as in acting and of several as in learning."""
    if not isinstance(network, nn.Module):
        raise ConfigError(f"{name} built {type(network).__name__}; allowed: a torch.nn.Module")
    was_training = network.training
    network.eval()
    for count in (1, 2):
        zeros = np.zeros((count, *observations.shape), observations.dtype)
        rows, expected = torch.from_numpy(zeros), [count, n_actions]
        given = f"for observations {list(rows.shape)}"
        try:
            with torch.no_grad():
                values = network(rows)
        except Exception as error:
            raise ConfigError(f"{name} raised {type(error).__name__} {given}: {error}") from error
        told = list(values.shape) if isinstance(values, Tensor) else type(values).__name__
        if told != expected:
            raise ConfigError(
                f"{name} returned {told} {given}; expected {expected}: a Q-value for each action"
            )
    network.train(was_training)
