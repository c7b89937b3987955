"""Multilayer perceptrons: Q-values float32[B, n_actions] of observations float32[B, observation_size]."""

from __future__ import annotations

from collections.abc import Callable

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


def build_mlp(observation_size: int, n_actions: int, config: NetworkConfig) -> nn.Module:
    layers: list[nn.Module] = []
    for size in config.hidden:
        layers += [nn.Linear(observation_size, size), ACTIVATIONS[config.activation]()]
        observation_size = size
    return MLP([*layers, nn.Linear(observation_size, n_actions)])


def build_mlp_batchnorm(observation_size: int, n_actions: int, config: NetworkConfig) -> nn.Module:
    """As the MLP, with batch normalisation after each hidden linear layer (Ioffe & Szegedy 2015)."""
    layers: list[nn.Module] = []
    for size in config.hidden:
        layers += [
            nn.Linear(observation_size, size),
            nn.BatchNorm1d(size),
            ACTIVATIONS[config.activation](),
        ]
        observation_size = size
    return MLP([*layers, nn.Linear(observation_size, n_actions)])
