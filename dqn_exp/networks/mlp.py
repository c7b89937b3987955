"""Multilayer perceptrons: Q-values float32[B, A] of observations float32[B, ...]."""

from __future__ import annotations

import math
from collections.abc import Callable

from gymnasium import spaces
from torch import Tensor, nn

from dqn_exp.config import NetworkConfig

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}


class MLP(nn.Module):
    """Fully connected layers with one activation between them and a linear output."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, observation: Tensor) -> Tensor:
        values: Tensor = self.layers(observation)
        return values


def build_mlp(observations: spaces.Box, actions: spaces.Discrete, config: NetworkConfig) -> nn.Module:
    return MLP(_layers(observations, actions, config, lambda size: []))


def build_mlp_batchnorm(
    observations: spaces.Box, actions: spaces.Discrete, config: NetworkConfig
) -> nn.Module:
    """As the MLP, with batch normalisation after each hidden linear layer (Ioffe & Szegedy 2015)."""
    return MLP(_layers(observations, actions, config, lambda size: [nn.BatchNorm1d(size)]))


def _layers(
    observations: spaces.Box,
    actions: spaces.Discrete,
    config: NetworkConfig,
    norm: Callable[[int], list[nn.Module]],
) -> list[nn.Module]:
    """Hidden layers, each with what `norm` puts between it and its activation, and the output."""
    n_in = math.prod(observations.shape)
    layers: list[nn.Module] = [nn.Flatten()] if len(observations.shape) > 1 else []
    for size in config.hidden:
        layers += [nn.Linear(n_in, size), *norm(size), ACTIVATIONS[config.activation]()]
        n_in = size
    return [*layers, nn.Linear(n_in, int(actions.n))]
