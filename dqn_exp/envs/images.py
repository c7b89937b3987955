"""Convert image observations for networks: uint8, channels first, stacked frames along the channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import FrameStackObservation

from dqn_exp.config import ConfigError
from dqn_exp.images import ImageBox


def image_encoder(env: gymnasium.Env[Any, Any], name: str) -> tuple[Callable[[Any], Any], ImageBox]:
    """The function that converts an observation to an image, and the space of the images.

    Frames are [H, W], [H, W, C] or [C, H, W]. They are read as [C, H, W] if the first axis is shorter than
    the last. Frames are stacked if `FrameStackObservation` is the outermost wrapper. Raises ConfigError if
    the observations are not images.
    """
    space = getattr(env, "observation_space", None)
    stack = env.stack_size if isinstance(env, FrameStackObservation) else None
    if not isinstance(space, spaces.Box) or not _are_bytes(space):
        raise ConfigError(_no_images_message(space, name))
    shape = space.shape if stack is None else space.shape[1:]
    if len(shape) not in (2, 3):
        raise ConfigError(_no_images_message(space, name))
    is_last = len(shape) == 3 and shape[2] <= shape[0]
    height, width = shape[:2] if is_last else shape[-2:]
    channels = 1 if len(shape) == 2 else shape[2 if is_last else 0]
    images = ImageBox((channels, height, width), stack or 1, int(space.high.max()))

    def encode(observation: Any) -> np.ndarray:
        pixels = np.moveaxis(observation, -1, -3) if is_last else np.asarray(observation)
        return pixels.reshape(images.shape)

    return encode, images


def _are_bytes(space: spaces.Box) -> bool:
    return space.dtype.kind in "bui" and space.low.min() >= 0 and space.high.max() <= 255


def _no_images_message(space: Any, name: str) -> str:
    return (
        f"env.images=true, but {name} has observations {space}; allowed: images of whole numbers from 0 "
        f"to 255 with 2 or 3 axes, or env.images=false (observations become vectors)"
    )
