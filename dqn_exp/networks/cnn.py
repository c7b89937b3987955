"""Convolutional networks for images uint8[B, C, H, W]; the output is float32[B, n]."""

from __future__ import annotations

import math
from itertools import pairwise

from gymnasium import spaces
from torch import Tensor, nn

from dqn_exp.config import NetworkConfig
from dqn_exp.networks.convolutions import convolved
from dqn_exp.networks.dense import ACTIVATIONS, dense
from dqn_exp.networks.pixels import pixels_of


class CNN(nn.Module):
    """Convolutions with an activation after each, followed by fully connected layers.

    `network=nature` has three convolutions, as in Mnih et al. 2015. MinAtar's network has one (Young & Tian
    2019, https://arxiv.org/abs/1903.03176).
    """

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        values: Tensor = self.layers(images)
        return values


def build_cnn(observations: spaces.Box, actions: spaces.Discrete, config: NetworkConfig) -> nn.Module:
    shapes = convolved(observations.shape, config.convolutions)
    layers: list[nn.Module] = pixels_of(observations)
    for convolution, (below, above) in zip(config.convolutions, pairwise(shapes), strict=True):
        layers.append(nn.Conv2d(below[0], above[0], convolution.kernel, convolution.stride))
        layers.append(ACTIVATIONS[config.activation]())
    return CNN([*layers, nn.Flatten(), *dense(math.prod(shapes[-1]), int(actions.n), config)])
