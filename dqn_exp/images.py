"""The space of image observations: bytes, channels first, one or more frames stacked.

Networks and the replay buffer recognise images by this space; the replay buffer stores each frame once.
"""

from __future__ import annotations

import numpy as np
from gymnasium import spaces


class ImageBox(spaces.Box):
    """uint8[stack * C, H, W]: `stack` frames of C channels each, the oldest first; values in [0, high]."""

    def __init__(self, frame: tuple[int, int, int], stack: int, high: int) -> None:
        channels, height, width = frame
        super().__init__(0, high, (stack * channels, height, width), np.uint8)
        self.frame, self.stack = frame, stack

    @property
    def largest(self) -> int:
        """The value of the brightest possible pixel."""
        return int(self.high.max())
