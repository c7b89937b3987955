"""Networks with one convolution: the fused learner gives the same results as the torch learner."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from dqn_exp.agent.fused import FusedLearner
from dqn_exp.agent.learner import build_learner
from dqn_exp.agent.torch_learner import TorchLearner
from dqn_exp.config import Config, parse_config
from dqn_exp.images import ImageBox
from dqn_exp.networks import build_network
from dqn_exp.replay import Transitions
from tests.helpers import make_values

IMAGES = ImageBox((3, 7, 6), 1, 9)
ACTIONS = spaces.Discrete(4)
N_ROWS = 400


def configure(channels: int = 5, kernel: int = 3, stride: int = 1, **settings: Any) -> Config:
    layers = [{"channels": channels, "kernel": kernel, "stride": stride}]
    settings = {"network__hidden": [11], **settings}
    return parse_config(
        make_values(
            network="cnn", env__images=True, network__convolutions=layers, optimizer__eps=1e-3, **settings
        )
    )


def learner(kind: Any, config: Config, dtype: torch.dtype = torch.float32) -> Any:
    network = build_network(config.network, IMAGES, ACTIONS, seed=1).to(dtype)
    extra = {"images": IMAGES} if kind is FusedLearner else {}
    return kind(network, config.agent, config.optimizer, True, **extra)


def transitions() -> Transitions:
    """Random ones, half of whose pixels are dark."""
    rng = np.random.default_rng(0)
    first, second = (
        (rng.integers(10, size=(N_ROWS, 3, 7, 6)) * (rng.random((N_ROWS, 3, 7, 6)) < 0.5)).astype(np.uint8)
        for _ in range(2)
    )
    discount = (0.9 * (rng.random(N_ROWS) > 0.2)).astype(np.float32)
    reward = rng.normal(size=N_ROWS).astype(np.float32)
    return Transitions(first, rng.integers(4, size=N_ROWS), reward, second, discount)


@pytest.mark.parametrize("batch_size", [20, 300])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"network__activation": "tanh", "agent": "double_dqn"},
        {"kernel": 2, "stride": 2, "channels": 16, "agent__loss": "huber"},
        {"kernel": 6, "stride": 3, "network__hidden": []},
        {"network__head": {"name": "c51", "v_min": -3, "v_max": 4}, "network__dueling": True},
        {"kernel": 1, "channels": 1, "network__hidden": [40, 3], "agent__max_grad_norm": 0.5},
    ],
    ids=str,
)
def test_updates_are_those_of_torch(batch_size: int, settings: dict[str, Any]) -> None:
    config, data = configure(**settings), transitions()
    fused, torch_ = learner(FusedLearner, config), learner(TorchLearner, config)
    rng = np.random.default_rng(2)
    for number in range(5):
        indices = rng.integers(N_ROWS, size=batch_size)
        weights = rng.uniform(0.1, 1, batch_size).astype(np.float32) if number % 2 else None
        losses = [one.update(data, indices, weights) for one in (fused, torch_)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)
        np.testing.assert_allclose(fused.td_errors, torch_.td_errors, atol=1e-4, rtol=1e-4)
        np.testing.assert_allclose(fused.statistics(), torch_.statistics(), rtol=1e-3)
        if number == 2:
            fused.sync_target(0.5)
            torch_.sync_target(0.5)
    expected = torch_.arrays()
    for name, values in fused.arrays().items():
        np.testing.assert_allclose(values.numpy(), expected[name].numpy(), atol=2e-5, rtol=1e-3, err_msg=name)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_values_are_those_of_torch(stride: int, activation: str) -> None:
    config = configure(stride=stride, network__activation=activation)
    fused, torch_ = learner(FusedLearner, config), learner(TorchLearner, config)
    images = transitions().observation
    expected = torch_.values(images)
    np.testing.assert_allclose(fused.values(images), expected, atol=1e-5)
    assert fused.greedy(images).tolist() == expected.argmax(axis=1).tolist()


def test_an_image_of_nothing_has_the_values_of_the_biases() -> None:
    config = configure()
    images = np.zeros((2, 3, 7, 6), np.uint8)
    fused, torch_ = learner(FusedLearner, config), learner(TorchLearner, config)
    np.testing.assert_allclose(fused.values(images), torch_.values(images), atol=1e-6)


def test_one_goes_on_where_the_other_stopped() -> None:
    config, data = configure(), transitions()
    rng = np.random.default_rng(2)
    first, second = learner(FusedLearner, config), learner(TorchLearner, config)
    for _ in range(3):
        first.update(data, rng.integers(N_ROWS, size=32), None)
    second.load_arrays({name: array.clone() for name, array in first.arrays().items()})
    indices = rng.integers(N_ROWS, size=32)
    assert first.update(data, indices, None) == pytest.approx(second.update(data, indices, None), rel=1e-5)


@pytest.mark.parametrize(("convolutions", "name"), [(1, "fused"), (2, "torch")])
def test_auto_takes_it_for_one_convolution(convolutions: int, name: str) -> None:
    layers = [{"channels": 2, "kernel": 2, "stride": 1}] * convolutions
    values = make_values(network="cnn", env__images=True, network__convolutions=layers, learner="auto")
    config = parse_config(values)
    network = build_network(config.network, IMAGES, ACTIONS, seed=1)
    assert build_learner(config, network, 0, IMAGES).name == name
