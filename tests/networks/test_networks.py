from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch import nn

from dqn_exp.networks import build_network
from dqn_exp.registry import networks
from tests.helpers import make_config

VECTORS = spaces.Box(-1, 1, (4,), np.float32)


def build(seed: int = 0, **settings: Any) -> nn.Module:
    return build_network(make_config(**settings).network, VECTORS, spaces.Discrete(2), seed)


def layer_names(network: nn.Module) -> list[str]:
    return [type(layer).__name__ for layer in network.get_submodule("layers").children()]


@pytest.mark.parametrize("hidden", [[], [5], [7, 3]])
def test_mlp_has_the_layers_asked_for(hidden: list[int]) -> None:
    network = build(network__hidden=hidden, network__activation="tanh")
    assert layer_names(network) == ["Linear", "Tanh"] * len(hidden) + ["Linear"]
    sizes = [layer.out_features for layer in network.modules() if isinstance(layer, nn.Linear)]
    assert sizes == [*hidden, 2]
    assert network(torch.zeros(3, 4)).shape == (3, 2)


def test_an_mlp_takes_observations_of_any_shape() -> None:
    images, config = spaces.Box(0, 1, (2, 3, 3), np.float32), make_config(network__hidden=[5]).network
    assert build_network(config, images, spaces.Discrete(4), 0)(torch.zeros(7, 2, 3, 3)).shape == (7, 4)


def test_mlp_by_hand() -> None:
    network = build(network__hidden=[1])
    values = [
        torch.tensor([[1.0, 0, 0, 0]]),
        torch.tensor([1.0]),
        torch.tensor([[2.0], [3.0]]),
        torch.tensor([0.0, 1.0]),
    ]
    for parameter, value in zip(network.parameters(), values, strict=True):
        parameter.data = value
    observations = torch.tensor([[4.0, 9, 9, 9], [-5.0, 9, 9, 9]])
    assert network(observations).tolist() == [[10, 16], [0, 1]]  # relu(4 + 1) = 5, relu(-5 + 1) = 0


def test_batchnorm_follows_each_hidden_linear_layer() -> None:
    network = build(network="mlp_batchnorm", network__hidden=[5, 5])
    assert layer_names(network) == ["Linear", "BatchNorm1d", "ReLU"] * 2 + ["Linear"]


def test_uniform_initialisation_keeps_its_bound() -> None:
    network = build(network__init="uniform", network__init_scale=0.2)
    largest = max(float(parameter.detach().abs().max()) for parameter in network.parameters())
    assert 0.19 < largest <= 0.2


def test_the_seed_decides_and_the_global_generator_stays_as_it_was() -> None:
    before = torch.random.get_rng_state()
    first, again, other = build(seed=3), build(seed=3), build(seed=4)
    assert torch.equal(torch.random.get_rng_state(), before)
    vectors = [nn.utils.parameters_to_vector(n.parameters()).detach().numpy() for n in (first, again, other)]
    np.testing.assert_array_equal(vectors[0], vectors[1])
    assert not np.array_equal(vectors[0], vectors[2])


def test_a_network_of_ones_own_is_chosen_by_name() -> None:
    @networks.register("test_linear")
    def build_linear(observations: spaces.Box, actions: spaces.Discrete, config: Any) -> nn.Module:
        return nn.Linear(observations.shape[0], int(actions.n), bias=config.options["bias"])

    network = build(network__name="test_linear", network__options={"bias": False})
    assert [tuple(parameter.shape) for parameter in network.parameters()] == [(2, 4)]
