"""Multilayer perceptrons: map observations float32[B, ...] to outputs [B, n]."""

from __future__ import annotations

import math

from gymnasium import spaces
from torch import Tensor, nn

from dqn_exp.config import NetworkConfig
from dqn_exp.networks.dense import dense
from dqn_exp.networks.pixels import pixels_of


class MLP(nn.Module):
    """A sequence of fully connected layers."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, observation: Tensor) -> Tensor:
        values: Tensor = self.layers(observation)
        return values


def build_mlp(observations: spaces.Box, actions: spaces.Discrete, config: NetworkConfig) -> nn.Module:
    return _build(observations, actions, config, batch_norm=False)


def build_mlp_batchnorm(
    observations: spaces.Box, actions: spaces.Discrete, config: NetworkConfig
) -> nn.Module:
    """As the MLP, with batch normalisation after each hidden linear layer (Ioffe & Szegedy 2015)."""
    return _build(observations, actions, config, batch_norm=True)


def _build(
    observations: spaces.Box, actions: spaces.Discrete, config: NetworkConfig, batch_norm: bool
) -> MLP:
    flatten = [nn.Flatten()] if len(observations.shape) > 1 else []
    layers = dense(math.prod(observations.shape), int(actions.n), config, batch_norm)
    return MLP([*pixels_of(observations), *flatten, *layers])
