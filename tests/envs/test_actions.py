"""Box and MultiDiscrete actions are converted into numbered actions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from dqn_exp.config.errors import ConfigError
from dqn_exp.config.schema import EnvConfig
from dqn_exp.envs import make_environment
from dqn_exp.envs.actions import Discretise, FlattenActions
from dqn_exp.masks import MASK
from tests.helpers import make_config, run
from tests.probes import EchoEnv

FOUR = spaces.Box(-1, 1, (4,), np.float32)


class Heard(EchoEnv):
    """Keeps the latest action; its mask, where one is given, is in every info."""

    def __init__(self, actions: spaces.Space[Any], mask: Any = None) -> None:
        super().__init__(FOUR, actions)
        self.info = {} if mask is None else {MASK: mask}

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        return super().reset(seed=seed)[0], self.info

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action), action
        self.heard = action
        return *super().step(0)[:4], self.info


def test_discretise_numbers_every_combination_of_values() -> None:
    inner = Heard(spaces.Box(np.array([-2, 0], np.float32), np.array([2, 1], np.float32)))
    env = Discretise(inner, bins=[3, 2])
    assert env.action_space == spaces.Discrete(6)
    heard = []
    for action in range(6):
        env.step(np.int64(action))
        heard.append(inner.heard.tolist())
    assert heard == [[-2, 0], [-2, 1], [0, 0], [0, 1], [2, 0], [2, 1]]


def test_discretise_keeps_the_shape_of_actions() -> None:
    inner = Heard(spaces.Box(-1, 1, (2, 2), np.float64))
    env = Discretise(inner, bins=2)
    env.step(np.int64(1))
    assert inner.heard.tolist() == [[-1, -1], [-1, 1]]


def test_flatten_actions_numbers_every_combination_from_the_start_of_each() -> None:
    inner = Heard(spaces.MultiDiscrete([2, 3], start=[0, 5]))
    env = FlattenActions(inner)
    heard = []
    for action in range(int(env.action_space.n)):
        env.step(np.int64(action))
        heard.append(inner.heard.tolist())
    assert heard == [[0, 5], [0, 6], [0, 7], [1, 5], [1, 6], [1, 7]]


def test_flatten_actions_takes_binary_ones_too() -> None:
    inner = Heard(spaces.MultiBinary(2))
    env = FlattenActions(inner)
    env.step(np.int64(2))
    assert inner.heard.tolist() == [1, 0]


def test_flatten_actions_makes_one_mask_of_those_of_the_dimensions() -> None:
    env = FlattenActions(Heard(spaces.MultiDiscrete([2, 3]), mask=(np.array([0, 1]), np.array([1, 0, 1]))))
    for info in (env.reset()[1], env.step(0)[-1]):
        assert info[MASK].tolist() == [0, 0, 0, 1, 0, 1]


@pytest.mark.parametrize(
    ("environment", "wrappers", "words"),
    [
        ("Pendulum-v1", {"discretise": {"bins": 1}}, r"bins=1; allowed: one whole number >= 2, or 1 of them"),
        ("Pendulum-v1", {"discretise": {"bins": [3, 3]}}, r"bins=\(3, 3\); allowed: .*or 1 of them"),
        ("Pendulum-v1", {"discretise": {"bins": 1.5}}, r"bins=1.5; allowed: one whole number"),
        ("Pendulum-v1", {"discretise": {"bins": 20_000}}, r"20000 are 20000 actions; allowed: at most 10000"),
        ("CartPole-v1", {"discretise": {}}, r"actions are Discrete\(2\); allowed: Box actions"),
        ("Pendulum-v1", {"flatten_actions": {}}, r"allowed: MultiDiscrete or MultiBinary actions"),
        ("Pendulum-v1", {"action_noise": {}}, r"actions are Box.*; allowed: Discrete actions"),
    ],
)
def test_what_cannot_be_numbered_says_why(environment: str, wrappers: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=rf"^env.wrappers.{next(iter(wrappers))}=.*{words}"):
        make_environment(EnvConfig(id=environment, wrappers=wrappers))


def test_a_pendulum_is_trained_on(learner: str) -> None:
    """The check of actions comes after the wrappers."""
    brief = {"budget__env_steps": 300, "batch": 16, "env__max_episode_steps": 50, "learner": learner}
    wrappers = {"discretise": {"bins": 5}, "action_noise": {"probability": 0.1}}
    config = make_config(env="gymnasium", env__id="Pendulum-v1", env__wrappers=wrappers, **brief,
                         convergence__threshold=-200)  # fmt: skip
    trial, _ = run(config)
    assert trial.clock.updates > 200
    assert trial.env.action_space == spaces.Discrete(5)
