"""Observations that are images: bytes, channels first, perhaps several frames stacked.

Networks tell them by their space, and the replay stores each frame of a stack once.
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
        """What the brightest pixel has."""
        return int(self.high.max())
