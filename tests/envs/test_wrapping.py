"""gymnasium's own wrappers by name, with options from a configuration."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from dqn_exp.config.errors import ConfigError
from dqn_exp.config.schema import EnvConfig
from dqn_exp.envs import make_environment
from dqn_exp.registry import GYMNASIUM_WRAPPERS, wrappers
from tests.probes import EchoEnv

gymnasium.register("probe/Image-v0", lambda **_: EchoEnv(spaces.Box(0, 255, (8, 8, 3), np.uint8), ACTIONS))
gymnasium.register("probe/Parts-v0", lambda **_: EchoEnv(PARTS, ACTIONS))
ACTIONS = spaces.Discrete(2)
PARTS = spaces.Dict({"image": spaces.Box(0, 1, (2, 2)), "direction": spaces.Discrete(4)})


@pytest.mark.parametrize(
    ("environment", "name", "options", "numbers"),
    [
        ("CartPole-v1", "ClipReward", {"min_reward": -1, "max_reward": 0.5}, 4),
        ("CartPole-v1", "DelayObservation", {"delay": 2}, 4),
        ("CartPole-v1", "DtypeObservation", {"dtype": "float64"}, 4),
        ("CartPole-v1", "FrameStackObservation", {"stack_size": 3}, 12),
        ("CartPole-v1", "TimeAwareObservation", {}, 5),
        ("CartPole-v1", "StickyAction", {"repeat_action_probability": 0.5}, 4),
        ("CartPole-v1", "NormalizeObservation", {"epsilon": 1e-4}, 4),
        ("CartPole-v1", "NormalizeReward", {"gamma": 0.9}, 4),
        ("MountainCar-v0", "RescaleObservation", {"min_obs": [-1, 0], "max_obs": [1, 2]}, 2),
        ("MountainCar-v0", "RescaleObservation", {"min_obs": -1.0, "max_obs": 1.0}, 2),
        ("probe/Image-v0", "ReshapeObservation", {"shape": [4, 48]}, 192),
        ("probe/Parts-v0", "FilterObservation", {"filter_keys": ["image"]}, 4),
    ],
)
def test_gymnasium_s_wrappers_take_plain_values(
    environment: str, name: str, options: dict[str, Any], numbers: int
) -> None:
    env = make_environment(EnvConfig(id=environment, wrappers={name: options}))
    assert env.reset(0).shape == (numbers,)
    assert env.step(np.int64(0))[0].shape == (numbers,)


@pytest.mark.parametrize("name", GYMNASIUM_WRAPPERS)
def test_each_of_them_is_there(name: str) -> None:
    assert issubclass(wrappers[name], gymnasium.Wrapper)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["TransformReward", "TransformObservation", "TransformAction"])
def test_a_wrapper_that_needs_a_function_says_so(name: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"^env.wrappers.{name} needs a function \(func\), which .*; allowed: your own"
    ):
        make_environment(EnvConfig(id="CartPole-v1", wrappers={name: {"func": "lambda r: r / 10"}}))


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("NormaliseObservation", {}, r"^env.wrappers: .* Did you mean 'NormalizeObservation'"),
        ("NormalizeObservation", {"eps": 1}, r"^env.wrappers.NormalizeObservation=\{'eps': 1\}: .*'eps'"),
        ("ClipReward", {}, r"^env.wrappers.ClipReward=\{\}: InvalidBound"),
        ("GrayscaleObservation", {}, r"^env.wrappers.GrayscaleObservation=\{\}: "),
    ],
)
def test_what_cannot_be_had_says_why(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make_environment(EnvConfig(id="CartPole-v1", wrappers={name: options}))
