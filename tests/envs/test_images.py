"""With `env.images`, images stay images: bytes, channels first."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.wrappers import FrameStackObservation

from dqn_exp.config.errors import ConfigError
from dqn_exp.envs import VectorEnvironment
from dqn_exp.envs.environment import Environment
from dqn_exp.envs.images import image_encoder
from dqn_exp.images import ImageBox
from tests.helpers import gymnasium_env, make_config
from tests.probes import EchoEnv


def echo(shape: tuple[int, ...], dtype: Any = np.uint8, high: float = 255) -> EchoEnv:
    return EchoEnv(spaces.Box(0, high, shape, dtype), spaces.Discrete(2))


class Masked(EchoEnv):
    """Images, and a mask of the actions."""

    def __init__(self) -> None:
        super().__init__(spaces.Box(0, 1, (4, 4, 2), np.bool_), spaces.Discrete(2))

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        return super().reset(**options)[0], {"action_mask": np.ones(2, np.int8)}


gymnasium.register("images/Masked-v0", Masked, max_episode_steps=20)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shape", "dtype", "high", "frame"),
    [
        ((10, 10, 4), np.bool_, 1, (4, 10, 10)),
        ((10, 10, 10), np.bool_, 1, (10, 10, 10)),
        ((3, 20, 30), np.uint8, 255, (3, 20, 30)),
        ((20, 30, 3), np.uint8, 255, (3, 20, 30)),
        ((20, 30), np.int64, 7, (1, 20, 30)),
    ],
)
def test_channels_come_first(shape: Any, dtype: Any, high: int, frame: tuple[int, int, int]) -> None:
    inner = echo(shape, dtype, high)
    env = VectorEnvironment([Environment(inner, float("inf"), images=True)], lambda *_: 0)
    seen = env.observe()[0]
    space = env.observation_space
    assert isinstance(space, ImageBox)
    assert (space.frame, space.stack, space.largest, space.shape) == (frame, 1, high, frame)
    assert (seen.shape, seen.dtype) == (frame, np.uint8)
    latest = np.asarray(inner.latest).reshape(shape)
    expected = latest if len(shape) < 3 or frame == shape[:3] != (10, 10, 10) else latest.transpose(2, 0, 1)
    np.testing.assert_array_equal(seen, expected.reshape(frame))


@pytest.mark.parametrize(("shape", "frame"), [((6, 5), (1, 6, 5)), ((6, 5, 2), (2, 6, 5)), ((2, 6, 5),) * 2])
def test_frames_are_stacked_in_the_channels(shape: Any, frame: tuple[int, int, int]) -> None:
    stacked = FrameStackObservation(echo(shape), 3)
    encode, space = image_encoder(stacked, "env")
    assert (space.frame, space.stack, space.shape) == (frame, 3, (3 * frame[0], 6, 5))
    observation, _ = stacked.reset(seed=0)
    observation = stacked.step(0)[0]
    encoded = encode(observation).reshape(3, *frame)
    for mine, theirs in zip(encoded, observation, strict=True):
        turned = theirs.transpose(2, 0, 1) if shape == (6, 5, 2) else theirs
        np.testing.assert_array_equal(mine, turned.reshape(frame))


@pytest.mark.parametrize(
    "space",
    [
        spaces.Box(0, 1, (10, 10, 3), np.float32),
        spaces.Box(-1, 5, (10, 10), np.int64),
        spaces.Box(0, 256, (10, 10), np.int64),
        spaces.Box(0, 255, (8,), np.uint8),
        spaces.Box(0, 255, (2, 4, 4, 3), np.uint8),
        spaces.Discrete(3),
    ],
)
def test_what_is_no_image_is_refused(space: spaces.Space[Any]) -> None:
    with pytest.raises(ConfigError, match=r"^env.images=true, but env has observations .*; allowed: images"):
        Environment(EchoEnv(space, spaces.Discrete(2)), float("inf"), images=True)


def test_images_with_masks_are_refused_with_both_keys() -> None:
    with pytest.raises(ConfigError, match=r"^env.images=true.* allowed: .*env.action_masks=false"):
        make_config(**gymnasium_env("images/Masked-v0"), env__images=True)


@pytest.mark.parametrize(
    "settings", [{"env__images": True}, {"env__wrappers": {"NormalizeObservation": {}}}], ids=str
)
def test_normalising_goes_with_neither_images_nor_itself(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"^env.normalise=running cannot be combined with env\."):
        make_config(**settings, env__normalise="running")
