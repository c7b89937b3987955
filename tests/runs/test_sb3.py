"""Weights from stable-baselines3's checkpoints, and the files that are refused."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import DQN
from torch import nn

from dqn_exp.config import NetworkConfig
from dqn_exp.config.errors import ConfigError
from dqn_exp.images import ImageBox
from dqn_exp.networks import build_network
from dqn_exp.runs.code import parts
from dqn_exp.runs.record import start_from_another
from dqn_exp.runs.sb3 import load_sb3
from dqn_exp.training.run import build_run
from tests.helpers import dqn, make_config, make_values

SIZES = {"network__hidden": [32, 16], "network__activation": "tanh"}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DQN]:
    path = tmp_path_factory.mktemp("theirs") / "model.zip"
    policy = {"net_arch": [32, 16], "activation_fn": nn.Tanh}
    model = DQN("MlpPolicy", "CartPole-v1", policy_kwargs=policy, buffer_size=10, seed=3, device="cpu")
    model.save(path)
    return path, model


def test_training_starts_from_their_network(saved: tuple[Path, DQN]) -> None:
    path, theirs = saved
    trial = build_run(make_config(init_from=str(path), **SIZES))
    start_from_another(trial)
    states = torch.randn(20, 4)
    with torch.no_grad():
        torch.testing.assert_close(dqn(trial).network(states), theirs.q_net(states))
    assert parts(trial.config)["init_from"] is not None
    trial.close()


def test_a_cnn_policy_is_the_nature_network(tmp_path: Path) -> None:
    class Pictures(gymnasium.Env[Any, Any]):
        observation_space = spaces.Box(0, 255, (4, 84, 84), np.uint8)
        action_space = spaces.Discrete(3)

    theirs = DQN("CnnPolicy", Pictures(), buffer_size=1, seed=3, device="cpu")
    theirs.save(tmp_path / "model.zip")
    config = NetworkConfig.model_validate(make_values(network="nature")["network"])
    ours = build_network(config, ImageBox((1, 84, 84), 4, 255), spaces.Discrete(3), seed=0)
    load_sb3(tmp_path / "model.zip", ours, config)
    images = torch.randint(0, 256, (3, 4, 84, 84), dtype=torch.uint8)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs.q_net(images))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({**SIZES, "network__hidden": [32]}, "this trial's is mlp 32x4, 32, 2x32, 2 (tanh)"),
        (
            {**SIZES, "network__activation": "relu"},
            "16x32, 16, 2x16, 2 (relu); allowed: an equal network",
        ),
        ({**SIZES, "network__dueling": True}, "this trial's is mlp 32x4"),
    ],
)
def test_another_network_is_refused_with_both(
    settings: dict[str, Any], told: str, saved: tuple[Path, DQN]
) -> None:
    with pytest.raises(ConfigError) as raised:
        make_config(init_from=str(saved[0]), **settings)
    assert "its network is 32x4, 32, 16x32, 16, 2x16, 2 (tanh)" in str(raised.value)
    assert told in str(raised.value)


class Trap:
    """A pickle that runs a command when it is opened."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._place),)


def test_a_pickle_in_its_place_is_refused_and_not_opened(tmp_path: Path) -> None:
    policy = io.BytesIO()
    torch.save({"q_net.q_net.0.weight": Trap(tmp_path / "sprung")}, policy)
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        archive.writestr("data", "{}")
        archive.writestr("policy.pth", policy.getvalue())
    with pytest.raises(ConfigError, match="contains more than tensors, which is refused"):
        make_config(init_from=str(tmp_path / "model.zip"))
    assert not (tmp_path / "sprung").exists()


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    with pytest.raises(ConfigError, match=r"model\.zip does not exist"):
        make_config(init_from=str(path))
    path.write_text("no zip")
    with pytest.raises(ConfigError, match="is not a checkpoint of stable-baselines3"):
        make_config(init_from=str(path))
    policy = io.BytesIO()
    torch.save({"actor.weight": torch.zeros(1)}, policy)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", "{}")
        archive.writestr("policy.pth", policy.getvalue())
    with pytest.raises(ConfigError, match="has no q_net"):
        make_config(init_from=str(path))
