"""Errors that only the environment or a user's module can show are found before training, too."""

from __future__ import annotations

import math
import os
import re
from typing import Any

import gymnasium
import pytest
import torch

from dqn_exp.config.errors import ConfigError
from dqn_exp.plan.preflight import check_parts, resolve_config
from dqn_exp.registry import networks
from dqn_exp.training.run import build_run
from tests.envs.faulty import faulty
from tests.helpers import gymnasium_env, make_config, make_values

pytestmark = pytest.mark.usefixtures("alone")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"env": "gymnasium"}, r"^env.id is missing; allowed: env.id=NAME-vN"),
        (
            {"env__id": "CartPol-v1"},
            r"^env.id=CartPol-v1 is unknown. Did you mean 'CartPole-v1'\? Allowed: any",
        ),
        (
            {"env__id": "Pendulum-v1"},
            r"^env.id=Pendulum-v1 has actions Box\(.*; allowed: .* \+env.wrappers.discretise.bins=3$",
        ),
        (
            {"env__kwargs": {"gravty": 1}},
            r"^env.id=CartPole-v1 with env.kwargs=\{'gravty': 1\} cannot be made: ",
        ),
        ({"env__wrappers": {"nois": {}}}, r"^env.wrappers: 'nois' is unknown\..* Allowed: "),
        ({"network__name": "gnn"}, r"^network.name: 'gnn' is unknown. Did you mean 'cnn'"),
        ({"imports": ["no_such_module"]}, r"^imports='no_such_module': No module named"),
        (
            {**gymnasium_env("probe/Cycle-v0"), "convergence__threshold": None},
            r"^convergence.threshold=null, but probe/Cycle-v0 registers no threshold; allowed: a ",
        ),
    ],
)
def test_refused_before_training(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_config(**settings)


def test_what_the_environment_knows_is_filled_in() -> None:
    config = make_config(env="gymnasium", env__id="MountainCar-v0")
    assert config.env.max_episode_steps == 200
    assert config.convergence.threshold == -110
    config = make_config(env__max_episode_steps=50, convergence__threshold=math.inf)
    assert (config.env.max_episode_steps, config.convergence.threshold) == (50, math.inf)


def test_the_environment_of_evaluation_may_differ() -> None:
    config = make_config(env__kwargs={"sutton_barto_reward": True}, evaluation__env={"kwargs": LENIENT})
    assert config.env.kwargs == {"sutton_barto_reward": True}
    assert config.evaluation_env().kwargs == LENIENT
    trial = build_run(config)
    assert trial.evaluate(1).mean > 0  # CartPole's own reward; the other one is 0 or less
    trial.close()


LENIENT = {"sutton_barto_reward": False}


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"gravty": 1}, r"with env.kwargs=\{'map_name': '4x4', 'gravty': 1\} cannot be made"),
        (
            {"map_name": "8x8"},
            r"it has observations of 64 numbers and 4 actions; allowed: as in training, obs",
        ),
        ({"render_mode": "human"}, r"render_mode=human would show every training step"),
    ],
)
def test_an_environment_of_evaluation_that_cannot_be_used_is_found(
    kwargs: dict[str, Any], message: str
) -> None:
    frozen_lake = {**gymnasium_env("FrozenLake-v1"), "env__kwargs": {"map_name": "4x4"}}
    with pytest.raises(ConfigError, match=rf"^evaluation.env.kwargs={re.escape(str(kwargs))}: .*{message}"):
        make_config(**frozen_lake, evaluation__env={"kwargs": kwargs})


def test_a_plan_tries_an_environment_out_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment does to its process is not done to ours, which plans a sweep."""

    def step(self: Any, action: int) -> Any:
        os._exit(3)

    gymnasium.register("faulty/Leaves-v0", faulty(step=step))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"ended its process at its first reset and step \(exit code 3\)"):
        resolve_config(make_values(**gymnasium_env("faulty/Leaves-v0")), in_subprocess=True)


def test_an_environment_that_was_unknown_may_be_registered_later() -> None:
    settings = {"env": "gymnasium", "env__id": "probe/Later-v0", "convergence__threshold": 1}
    with pytest.raises(ConfigError, match="is unknown"):
        make_config(**settings)
    gymnasium.register("probe/Later-v0", entry_point="tests.probes:cycle")
    assert make_config(**settings).env.id == "probe/Later-v0"


def test_a_network_that_cannot_be_built_is_found() -> None:
    networks.register("test_broken")(lambda *sizes: torch.nn.Linear(-1, 1))
    config = make_config(network__name="test_broken", network__options={"any": 1})
    with pytest.raises(ConfigError, match=r"^the parts cannot be built: \w+: "):
        check_parts(config)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_device_that_is_not_there_is_found() -> None:
    with pytest.raises(
        ConfigError, match=r"^device='cuda': this machine has no usable CUDA device; allowed: cpu$"
    ):
        check_parts(make_config(device="cuda"))
