"""From the configuration of a network to a module with its first weights."""

from __future__ import annotations

import torch
from gymnasium import spaces
from torch import nn

from dqn_exp.config import NetworkConfig
from dqn_exp.registry import networks


def build_network(
    config: NetworkConfig, observations: spaces.Box, actions: spaces.Discrete, seed: int
) -> nn.Module:
    """A module that maps float32[B, *observations.shape] to Q-values float32[B, actions.n]."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network: nn.Module = networks[config.name](observations, actions, config)
        if config.init == "uniform":
            for parameter in network.parameters():
                nn.init.uniform_(parameter, -config.init_scale, config.init_scale)
    return network
