"""From images as the replay holds them to numbers that a network can multiply."""

from __future__ import annotations

from gymnasium import spaces
from torch import Tensor, nn

from dqn_exp.images import ImageBox


class Pixels(nn.Module):
    """uint8[B, ...] of values 0 to `largest` as float32 in [0, 1]."""

    def __init__(self, largest: int) -> None:
        super().__init__()
        self.largest = largest

    def forward(self, images: Tensor) -> Tensor:
        numbers = images.float()
        return numbers if self.largest == 1 else numbers / self.largest


def pixels_of(observations: spaces.Box) -> list[nn.Module]:
    """What has to come first in a network of these observations: nothing, or `Pixels`."""
    return [Pixels(observations.largest)] if isinstance(observations, ImageBox) else []
