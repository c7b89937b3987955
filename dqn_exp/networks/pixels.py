"""Convert images from the replay buffer's bytes to floating-point numbers."""

from __future__ import annotations

from gymnasium import spaces
from torch import Tensor, nn

from dqn_exp.images import ImageBox


class Pixels(nn.Module):
    """Maps uint8[B, ...] with values from 0 to `largest` to float32 in [0, 1]."""

    def __init__(self, largest: int) -> None:
        super().__init__()
        self.largest = largest

    def forward(self, images: Tensor) -> Tensor:
        numbers = images.float()
        return numbers if self.largest == 1 else numbers / self.largest


def pixels_of(observations: spaces.Box) -> list[nn.Module]:
    """The first modules of a network for these observations: `Pixels` for images, otherwise none."""
    return [Pixels(observations.largest)] if isinstance(observations, ImageBox) else []
