"""Dueling networks, computed as equivalent plain networks.

Q = V + A - mean of A is linear in the last hidden layers of both streams. With these side by side, it is the
output layer of a plain network. The layer's weights are those of V next to those of A minus their mean over
the actions.

The flat array of parameters holds, in this order:

1. the weights and biases of the two streams' outputs, which are learned;
2. all parameters that the dueling and the plain network share;
3. the merged output layer of the plain network.

Before a network is used, `merge` computes the merged layer. After the backward pass, `split` distributes the
gradient of the merged layer to the two streams.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from torch import nn

from dqn_exp.agent.fused.compilation import compiled
from dqn_exp.agent.fused.structures import Array
from dqn_exp.networks import Dueling

ACTIONS, PREDICTED, UNITS = range(3)
"""Indices in the description of a dueling network, int64[3]: number of actions A, numbers K predicted for
each action, units H in the last hidden layer of a stream. Other networks have int64[0]."""


class Outputs(NamedTuple):
    """Weights and biases of output layers, as views."""

    value: Array  # [K, H]
    value_bias: Array  # [K]
    advantage: Array  # [A, K, H]
    advantage_bias: Array  # [A, K]
    merged: Array  # [A, K, 2 H]
    merged_bias: Array  # [A, K]


def find_dueling(network: nn.Module) -> Dueling | None:
    return next((module for module in network.modules() if isinstance(module, Dueling)), None)


def describe_dueling(network: nn.Module) -> Array:
    """The description of a network for the compiled functions: int64[3], or int64[0] if it is not dueling."""
    dueling = find_dueling(network)
    if dueling is None:
        return np.zeros(0, np.int64)
    value = linear_layers(dueling.value)[-1]
    return np.array([dueling.n_actions, value.out_features, value.in_features])


def linear_layers(module: nn.Module) -> list[nn.Linear]:
    return [layer for layer in module.modules() if isinstance(layer, nn.Linear)]


def in_order(network: nn.Module) -> list[nn.Parameter]:
    """The parameters of `network` in the order that the compiled functions use."""
    dueling = find_dueling(network)
    if dueling is None:
        return list(network.parameters())
    value, advantage = list(dueling.value.parameters()), list(dueling.advantage.parameters())
    side_by_side = [value[0], advantage[0], value[1], advantage[1]]
    of_streams = {id(parameter) for parameter in dueling.parameters()}
    shared = [parameter for parameter in network.parameters() if id(parameter) not in of_streams]
    return [*value[2:], *advantage[2:], *shared, *side_by_side]


def merged_parameters(network: nn.Module) -> int:
    """The number of values that the compiled functions need after the parameters of `network`."""
    dueling = describe_dueling(network)
    return int(dueling[ACTIONS] * dueling[PREDICTED] * (2 * dueling[UNITS] + 1)) if dueling.size else 0


@compiled
def learned_outputs(dueling: Array) -> int:
    """The number of parameters in front of those of the plain network."""
    if dueling.size == 0:
        return 0
    return (1 + dueling[ACTIONS]) * dueling[PREDICTED] * (dueling[UNITS] + 1)


@compiled
def merged_outputs(dueling: Array) -> int:
    """The number of parameters at the end that are not learned."""
    return dueling[ACTIONS] * dueling[PREDICTED] * (2 * dueling[UNITS] + 1)


@compiled
def outputs(dueling: Array, parameters: Array) -> Outputs:
    n_actions, n_predicted, units = dueling
    n_outputs = n_actions * n_predicted
    learned = parameters[: learned_outputs(dueling)]
    advantages = learned[n_predicted * (units + 1) :]
    merged = parameters[parameters.size - merged_outputs(dueling) :]
    return Outputs(
        learned[: n_predicted * units].reshape(n_predicted, units),
        learned[n_predicted * units : n_predicted * (units + 1)],
        advantages[: n_outputs * units].reshape(n_actions, n_predicted, units),
        advantages[n_outputs * units :].reshape(n_actions, n_predicted),
        merged[: n_outputs * 2 * units].reshape(n_actions, n_predicted, 2 * units),
        merged[n_outputs * 2 * units :].reshape(n_actions, n_predicted),
    )


@compiled
def merge(dueling: Array, parameters: Array) -> None:
    """Compute the plain network's output layer from the outputs of both streams."""
    if dueling.size == 0:
        return
    n_actions, n_predicted, units = dueling
    of = outputs(dueling, parameters)
    for k in range(n_predicted):
        for unit in range(units):
            mean = mean_over_actions(of.advantage[:, k, unit])
            for action in range(n_actions):
                of.merged[action, k, unit] = of.value[k, unit]
                of.merged[action, k, units + unit] = of.advantage[action, k, unit] - mean
        mean = mean_over_actions(of.advantage_bias[:, k])
        for action in range(n_actions):
            of.merged_bias[action, k] = of.value_bias[k] + of.advantage_bias[action, k] - mean


@compiled
def split(dueling: Array, gradient: Array) -> None:
    """Compute the gradient of both streams' outputs from that of the merged layer, which is set to 0."""
    if dueling.size == 0:
        return
    n_actions, n_predicted, units = dueling
    of = outputs(dueling, gradient)
    for k in range(n_predicted):
        for unit in range(units):
            mean = mean_over_actions(of.merged[:, k, units + unit])
            for action in range(n_actions):
                of.value[k, unit] += of.merged[action, k, unit]
                of.advantage[action, k, unit] = of.merged[action, k, units + unit] - mean
        mean = mean_over_actions(of.merged_bias[:, k])
        for action in range(n_actions):
            of.value_bias[k] += of.merged_bias[action, k]
            of.advantage_bias[action, k] = of.merged_bias[action, k] - mean
    of.merged[:] = 0
    of.merged_bias[:] = 0


@compiled
def mean_over_actions(values: Array) -> float:
    total = values.dtype.type(0)
    for action in range(values.size):
        total += values[action]
    return total / values.dtype.type(values.size)
