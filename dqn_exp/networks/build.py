"""From the configuration of a network to a module with its first weights."""

from __future__ import annotations

import torch
from torch import nn

from dqn_exp.config import NetworkConfig
from dqn_exp.registry import networks


def build_network(config: NetworkConfig, observation_size: int, n_actions: int, seed: int) -> nn.Module:
    """A module that maps float32[B, observation_size] to Q-values float32[B, n_actions]."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network: nn.Module = networks[config.name](observation_size, n_actions, config)
        if config.init == "uniform":
            for parameter in network.parameters():
                nn.init.uniform_(parameter, -config.init_scale, config.init_scale)
    return network
