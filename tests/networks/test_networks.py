from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch import Tensor, nn

from dqn_exp.config import NetworkConfig
from dqn_exp.config.errors import ConfigError
from dqn_exp.config.paths import CONF
from dqn_exp.masks import MaskedBox
from dqn_exp.networks import build_network, choice_values
from dqn_exp.registry import networks
from tests.helpers import make_config, make_values, same_bits, spaces_of

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


@pytest.mark.parametrize("network", [file.stem for file in (CONF / "network").glob("*.yaml")])
def test_every_key_of_a_network_can_be_set(network: str) -> None:
    composed = set(make_values(network=network)["network"])
    assert set(NetworkConfig.model_fields) - {"convolutions"} <= composed


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


# networks of one's own


class Own(nn.Module):
    """Returns whatever `answer` makes of a batch."""

    def __init__(self, answer: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, rows: Tensor) -> Any:
        return self.answer(rows)


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("many", lambda rows: torch.zeros(len(rows), 5), r"returned \[1, 5\] .*; expected \[1, 2\]"),
        ("few", lambda rows: torch.zeros(len(rows), 1), r"returned \[1, 1\] .*; expected \[1, 2\]"),
        ("deep", lambda rows: torch.zeros(len(rows), 2, 1), r"returned \[1, 2, 1\]"),
        ("squeezed", lambda rows: torch.zeros(len(rows), 2).squeeze(), r"returned \[2\] for .* \[1, 4\]"),
        ("summed", lambda rows: torch.zeros(1, 2), r"returned \[1, 2\] for .* \[2, 4\]; expected \[2, 2\]"),
        ("tuple", lambda rows: (rows, rows), r"returned tuple"),
        ("wide", lambda rows: rows @ torch.zeros(3, 2), r"raised RuntimeError for .*mat"),
    ],
)
def test_what_does_not_map_to_one_value_for_each_action_is_refused(
    name: str, answer: Any, words: str
) -> None:
    networks.register(f"test_{name}")(lambda *sizes: Own(answer))
    config = make_config(network__name=f"test_{name}").network
    with pytest.raises(ConfigError, match=rf"^network.name=test_{name} {words}"):
        build_network(config, *spaces_of(4, 2), seed=0)


def test_what_is_no_module_is_refused() -> None:
    networks.register("test_function")(lambda *sizes: print)
    config = make_config(network__name="test_function").network
    with pytest.raises(ConfigError, match=r"test_function built builtin_function.*; allowed: a torch.nn.Mod"):
        build_network(config, *spaces_of(4, 2), seed=0)


def test_the_check_leaves_a_network_as_it_was_built() -> None:
    """Neither its statistics, nor its mode, nor what others draw."""

    def build(*sizes: Any) -> nn.Module:
        return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.LazyLinear(2))

    networks.register("test_layers")(build)
    config = make_config(network__name="test_layers").network
    torch.manual_seed(0)
    first = build_network(config, *spaces_of(4, 2), seed=3)
    drawn = torch.rand(1)
    torch.manual_seed(0)
    assert torch.equal(torch.rand(1), drawn)
    second = build_network(config, *spaces_of(4, 2), seed=3)
    assert same_bits(first.state_dict(), second.state_dict())
    assert first.training
    assert first.state_dict()["1.num_batches_tracked"] == 0


def test_behind_a_mask_a_network_is_given_the_observations_alone() -> None:
    observations, actions = spaces_of(4, 2)
    network = build_network(make_config().network, MaskedBox(observations, 2), actions, seed=0)
    plain = build_network(make_config().network, observations, actions, seed=0)
    rows = torch.tensor([[0.1, 0.2, 0.3, 0.4, 1, 0]])
    assert torch.equal(network(rows), plain(rows[:, :4]))
    assert choice_values(network, rows)[0, 1] == -torch.inf
    assert choice_values(network, rows)[0, 0] == network(rows)[0, 0]
