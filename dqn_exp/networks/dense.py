"""The dense part of a network, as the section `network` of the configuration describes it."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from dqn_exp.config import NetworkConfig

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}


def dense(n_in: int, n_out: int, config: NetworkConfig, batch_norm: bool = False) -> nn.Sequential:
    """Layers from float32[B, n_in] to [B, n_out]: `hidden` ones with their activation, and the output.

    Each hidden linear layer is followed by batch normalisation where `batch_norm` (Ioffe & Szegedy 2015).
    """
    layers: list[nn.Module] = []
    for size in config.hidden:
        layers += [nn.Linear(n_in, size), *[nn.BatchNorm1d(size)] * batch_norm]
        layers.append(ACTIVATIONS[config.activation]())
        n_in = size
    return nn.Sequential(*layers, nn.Linear(n_in, n_out))
