"""Masks of actions are appended to the observations."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from dqn_exp.config.schema import EnvConfig
from dqn_exp.envs import EnvironmentFault, make_environment
from dqn_exp.envs.masking import MaskBehindObservation
from dqn_exp.masks import MASK, MaskedBox, allowed_actions
from tests.envs.masks import ID, Doors


def test_the_mask_follows_the_observation() -> None:
    env = make_environment(EnvConfig(id=ID, action_masks=True))
    assert isinstance(env.observation_space, MaskedBox)
    assert env.observation_space.observations.shape == (6,)
    first, second = env.reset(0), env.step(np.int64(2))[0].copy()
    assert first.tolist() == [1, 0, 0, 0, 0, 0, 0, 1, 1]
    assert second.tolist() == [0, 1, 0, 0, 0, 0, 1, 1, 0]
    assert allowed_actions(second, 3).tolist() == [0, 1]


def test_where_nothing_is_allowed_any_more_the_mask_is_full() -> None:
    env = make_environment(EnvConfig(id=ID, action_masks=True))
    env.reset(0)
    row, _, terminated, _ = [env.step(np.int64(1)) for _ in range(6)][-1]
    assert terminated
    assert row[-3:].tolist() == [1, 1, 1]


def test_where_an_episode_ends_nothing_need_be_said() -> None:
    class Silent(Doors):
        def _info(self) -> dict[str, Any]:
            return {} if self.room == 6 else super()._info()

    gymnasium.register("masked/Silent-v0", Silent)  # type: ignore[arg-type]
    env = make_environment(EnvConfig(id="masked/Silent-v0", action_masks=True))
    env.reset(0)
    assert [env.step(np.int64(1))[0][-3:].tolist() for _ in range(6)][-1] == [1, 1, 1]


@pytest.mark.parametrize("choice", [None, False])
def test_without_masks_nothing_is_added(choice: bool | None) -> None:
    env = make_environment(EnvConfig(id=ID, action_masks=choice))
    assert env.observation_space.shape == (6,)
    assert not any(isinstance(layer, MaskBehindObservation) for layer in env.layers)


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ({}, r"returned no mask; expected info\['action_mask'\] of 3 zeros and ones"),
        ({MASK: [1, 0]}, r"returned \[1, 0\]; expected"),
        ({MASK: [0.5, 1, 1]}, r"returned \[0.5, 1, 1\]; expected"),
        ({MASK: [0, 0, 0]}, "returned a mask that allows no action"),
    ],
)
def test_a_mask_that_is_none_is_the_environment_s_fault(info: dict[str, Any], words: str) -> None:
    class Wrong(Doors):
        def _info(self) -> dict[str, Any]:
            return info if self.room == 1 else super()._info()

    gymnasium.register("masked/Wrong-v0", Wrong)  # type: ignore[arg-type]
    env = make_environment(EnvConfig(id="masked/Wrong-v0", action_masks=True))
    env.reset(0)
    with pytest.raises(EnvironmentFault, match=rf"^env.id=masked/Wrong-v0: its step {words}"):
        env.step(np.int64(1))


def test_noise_keeps_to_the_mask() -> None:
    wrappers = {"action_noise": {"probability": 1.0}}
    env = make_environment(EnvConfig(id=ID, action_masks=True, wrappers=wrappers))
    carried_out = []
    for seed in range(20):
        env.reset(seed)
        carried_out += [env.step(np.int64(1))[1] for _ in range(3)]
    assert set(carried_out) == {0, 2}


def test_the_space_says_what_is_observed_and_what_is_mask() -> None:
    space = MaskedBox(spaces.Box(-3, 3, (2,), np.float32), 2)
    assert space.low.tolist() == [-3, -3, 0, 0]
    assert space.high.tolist() == [3, 3, 1, 1]
