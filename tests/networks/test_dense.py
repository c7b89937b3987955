"""Dueling streams, noisy layers, layer normalisation and initial weights, each by its paper's equation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch import nn

from dqn_exp.config.errors import ConfigError
from dqn_exp.networks import Dueling, NoisyLinear, build_network, noise, noisy_layers
from dqn_exp.networks.dense import dense
from dqn_exp.registry import networks
from tests.helpers import make_config, spaces_of


def build(n_actions: int = 2, seed: int = 0, **settings: Any) -> nn.Module:
    config = make_config(**settings).network
    return build_network(config, *spaces_of(4, n_actions), seed)


def kinds(network: nn.Module) -> list[str]:
    return [type(layer).__name__ for layer in network.children()]


def test_the_last_hidden_layer_is_there_once_for_each_stream() -> None:
    network = dense(4, 2, make_config(network__hidden=[7, 5], network__dueling=True).network)
    assert kinds(network) == ["Linear", "ReLU", "Dueling"]
    dueling = network[-1]
    assert isinstance(dueling, Dueling)
    for stream, n_out in ((dueling.value, 1), (dueling.advantage, 2)):
        assert kinds(stream) == ["Linear", "ReLU", "Linear"]
        assert [tuple(p.shape) for p in stream.parameters()] == [(5, 7), (5,), (n_out, 5), (n_out,)]


def test_without_hidden_layers_both_streams_are_linear() -> None:
    network = dense(4, 2, make_config(network__hidden=[], network__dueling=True).network)
    assert kinds(network) == ["Dueling"]
    assert network(torch.zeros(3, 4)).shape == (3, 2)


def test_dueling_by_hand() -> None:
    """V = 10, A = (1, 2, 6), mean 3: Q = (8, 9, 13)."""
    value, advantage = nn.Linear(1, 1, bias=False), nn.Linear(1, 3, bias=False)
    value.weight.data = torch.tensor([[10.0]])
    advantage.weight.data = torch.tensor([[1.0], [2.0], [6.0]])
    assert Dueling(value, advantage, 3)(torch.ones(1, 1)).tolist() == [[8, 9, 13]]


def test_dueling_of_several_numbers_is_theirs_alone() -> None:
    """Two numbers for each of two actions: V = (1, 2), A = (1, 10), (3, 30); means 2 and 20."""
    value, advantage = nn.Linear(1, 2, bias=False), nn.Linear(1, 4, bias=False)
    value.weight.data = torch.tensor([[1.0], [2.0]])
    advantage.weight.data = torch.tensor([[1.0], [10.0], [3.0], [30.0]])
    assert Dueling(value, advantage, 2)(torch.ones(1, 1)).tolist() == [[0, -8, 2, 12]]


# noise


def noisy_layer(n_in: int = 3, n_out: int = 2, sigma: float = 0.5) -> NoisyLinear:
    torch.manual_seed(0)
    return NoisyLinear(n_in, n_out, sigma)


def test_noise_starts_as_in_the_paper() -> None:
    layer = noisy_layer(n_in=16, n_out=400)
    assert torch.equal(layer.weight_sigma, torch.full((400, 16), 0.125))  # 0.5 / sqrt(16)
    assert torch.equal(layer.bias_sigma, torch.full((400,), 0.125))
    for mean in (layer.weight, layer.bias):  # uniform between -1 / sqrt(16) and 1 / sqrt(16)
        assert 0.24 < mean.detach().abs().max() <= 0.25
        assert mean.detach().std() == pytest.approx(0.25 / math.sqrt(3), rel=0.1)


def test_the_noise_of_a_layer_is_an_outer_product() -> None:
    """W + sigma_W * f(e_out) f(e_in)^T and b + sigma_b * f(e_out), e_in drawn first, for the whole batch."""
    layer, rows = noisy_layer(), torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.0, -1.0]])
    layer.weight_sigma.data = torch.arange(1.0, 7.0).reshape(2, 3)
    layer.bias_sigma.data = torch.tensor([0.1, 0.2])
    torch.manual_seed(7)
    with noise([layer]):
        values = layer(rows)
    torch.manual_seed(7)
    e_in, e_out = torch.randn(3).numpy(), torch.randn(2).numpy()
    f_in, f_out = (np.sign(e) * np.sqrt(np.abs(e)) for e in (e_in, e_out))
    weight = layer.weight.detach().numpy() + layer.weight_sigma.detach().numpy() * np.outer(f_out, f_in)
    bias = layer.bias.detach().numpy() + layer.bias_sigma.detach().numpy() * f_out
    np.testing.assert_allclose(values.detach(), rows.numpy() @ weight.T + bias, rtol=1e-5)


def test_each_forward_pass_has_noise_of_its_own_and_the_means_are_what_is_without() -> None:
    layer, rows = noisy_layer(), torch.ones(1, 3)
    plain = nn.functional.linear(rows, layer.weight, layer.bias)
    with noise([layer]):
        first, second = layer(rows), layer(rows)
    assert not torch.equal(first, second)
    assert torch.equal(layer(rows), plain)


def test_gradients_reach_means_and_sizes_of_the_noise() -> None:
    """Against finite differences, in float64, with the same draws."""
    layer = noisy_layer().double()
    rows, names = torch.ones(2, 3, dtype=torch.float64), [name for name, _ in layer.named_parameters()]

    def output(*parameters: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(1)
        with noise([layer]):
            given = dict(zip(names, parameters, strict=True))
            return torch.func.functional_call(layer, given, (rows,)).sin().sum()

    assert names == ["weight", "bias", "weight_sigma", "bias_sigma"]
    assert torch.autograd.gradcheck(output, tuple(layer.parameters()))


@pytest.mark.parametrize("name", ["mlp", "mlp_batchnorm"])
def test_noisy_networks_have_no_other_linear_layers(name: str) -> None:
    network = build(network=name, network__hidden=[6, 5], network__noisy=True, network__dueling=True)
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    assert len(linear) == 5
    assert linear == noisy_layers(network)


# normalisation


def test_layer_norm_follows_each_hidden_linear_layer() -> None:
    network = build(network__hidden=[6, 5], network__layer_norm=True)
    layers = network.get_submodule("layers")
    assert kinds(layers) == ["Linear", "LayerNorm", "ReLU"] * 2 + ["Linear"]
    sums = network.get_submodule("layers.0")(torch.rand(3, 4))
    normal = network.get_submodule("layers.1")(sums)
    expected = (sums - sums.mean(1, keepdim=True)) / (sums.var(1, keepdim=True, unbiased=False) + 1e-5).sqrt()
    assert torch.allclose(normal, expected, atol=1e-6)


def test_batch_normalisation_stands_before_layer_normalisation() -> None:
    network = build(network="mlp_batchnorm", network__hidden=[6], network__layer_norm=True)
    assert kinds(network.get_submodule("layers")) == ["Linear", "BatchNorm1d", "LayerNorm", "ReLU", "Linear"]


# first weights


@pytest.mark.parametrize("dueling", [False, True])
def test_orthogonal_weights(dueling: bool) -> None:
    """W W^T or W^T W is 2 I in hidden layers and I in the last ones; biases are 0."""
    network = build(network__init="orthogonal", network__hidden=[8, 6], network__dueling=dueling)
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    outputs = [layer for layer in layers if layer.out_features <= 2]
    assert len(outputs) == (2 if dueling else 1)
    for layer in layers:
        weight = layer.weight.detach().numpy()
        tall = weight if len(weight) >= weight.shape[1] else weight.T
        square = 1.0 if layer in outputs else 2.0
        np.testing.assert_allclose(tall.T @ tall, square * np.eye(tall.shape[1]), atol=1e-5)
        assert not layer.bias.detach().any()


@pytest.mark.parametrize("init", ["uniform", "orthogonal"])
def test_first_weights_leave_the_size_of_the_noise(init: str) -> None:
    network = build(network__init=init, network__init_scale=0.2, network__noisy=True, network__hidden=[9])
    assert [float(layer.weight_sigma.detach().max()) for layer in noisy_layers(network)] == pytest.approx(
        [1 / 4, 1 / 6]
    )


# networks of one's own


@pytest.mark.parametrize("key", ["dueling", "noisy", "layer_norm"])
def test_what_a_network_of_ones_own_does_not_have_is_refused(key: str) -> None:
    @networks.register(f"test_bare_{key}")
    def build_bare(observations: spaces.Box, actions: spaces.Discrete, config: Any) -> nn.Module:
        return nn.Linear(observations.shape[0], int(actions.n))

    with pytest.raises(ConfigError, match=rf"^network.{key}=true, but network.name=test_bare_{key} has no "):
        build(network__name=f"test_bare_{key}", **{f"network__{key}": True})


def test_a_network_of_ones_own_may_use_all_parts() -> None:
    @networks.register("test_dense")
    def build_dense(observations: spaces.Box, actions: spaces.Discrete, config: Any) -> nn.Module:
        return nn.Sequential(nn.Linear(observations.shape[0], 5), *dense(5, int(actions.n), config))

    parts = {f"network__{key}": True for key in ("dueling", "noisy", "layer_norm")}
    network = build(network__name="test_dense", network__hidden=[6], **parts)
    assert kinds(network) == ["Linear", "Dueling"]
    assert network(torch.zeros(3, 4)).shape == (3, 2)
