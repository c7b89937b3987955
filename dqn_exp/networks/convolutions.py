"""The shapes of convolutions' outputs, computed without torch before anything is built."""

from __future__ import annotations

from collections.abc import Sequence

from dqn_exp.config import ConfigError, ConvolutionConfig

Shape = tuple[int, ...]
"""[C, H, W]"""


def convolved(images: Shape, convolutions: Sequence[ConvolutionConfig]) -> list[Shape]:
    """The shape of the images and of the output of each convolution, without padding.

    Raises ConfigError if a kernel is larger than its input.
    """
    shapes = [images]
    for index, convolution in enumerate(convolutions):
        _, height, width = shapes[-1]
        if convolution.kernel > min(height, width):
            raise ConfigError(
                f"network.convolutions.{index}.kernel={convolution.kernel} is larger than its input of "
                f"{height} x {width} pixels; allowed: at most {min(height, width)}, or smaller kernels and "
                f"strides before it"
            )
        sizes = ((side - convolution.kernel) // convolution.stride + 1 for side in (height, width))
        shapes.append((convolution.channels, *sizes))
    return shapes
