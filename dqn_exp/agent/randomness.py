"""A random stream for networks that draw (dropout, noisy layers), in place of torch's global generator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from dqn_exp.networks import CNN, MLP, Dueling, HeadedNetwork, MaskedNetwork, Pixels

OURS = (MLP, CNN, Dueling, HeadedNetwork, MaskedNetwork, Pixels)
PLAIN_MODULES = (
    *(*OURS, nn.Sequential, nn.Flatten),
    *(nn.Conv2d, nn.Linear, nn.LayerNorm, nn.ReLU, nn.Tanh),
)
"""Modules that behave the same in training and evaluation mode and draw no random numbers. Other modules
are assumed to do either."""


def is_plain(network: nn.Module) -> bool:
    """Whether all modules of the network are plain."""
    return all(type(module) in PLAIN_MODULES for module in network.modules())


class TorchStream:
    """A random stream that temporarily replaces torch's global CPU generator."""

    def __init__(self, seed: int) -> None:
        self.state: Tensor = torch.Generator().manual_seed(seed).get_state()

    @contextmanager
    def drawn_from(self, advance: bool) -> Iterator[None]:
        """Draw from this stream inside the context; the stream keeps its new position only if `advance`."""
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self.state)
            yield
            if advance:
                self.state = torch.get_rng_state()
