"""Build a network with its initial weights from its configuration."""

from __future__ import annotations

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn

from dqn_exp.config import ConfigError, NetworkConfig
from dqn_exp.heads import Values, build_head
from dqn_exp.masks import MaskedBox
from dqn_exp.networks.dense import Dueling
from dqn_exp.networks.headed import HeadedNetwork
from dqn_exp.networks.initial import initialise
from dqn_exp.networks.masked import MaskedNetwork
from dqn_exp.networks.mlp import MLP
from dqn_exp.networks.noisy import NoisyLinear
from dqn_exp.registry import networks


def build_network(
    config: NetworkConfig, observations: spaces.Box, actions: spaces.Discrete, seed: int
) -> nn.Module:
    """Build a module that maps observations [B, *observations.shape] to Q-values float32[B, actions.n].

    The network that `config.name` names gets as many outputs as the head needs for all actions. Raises
    ConfigError if a user's network returns another shape. For a `MaskedBox` the network receives the
    observations without the masks, for an `ImageBox` it receives uint8.
    """
    head = build_head(config.head)
    predicted = spaces.Discrete(int(actions.n) * head.outputs, start=actions.start)
    is_masked = isinstance(observations, MaskedBox)
    unmasked = observations.observations if isinstance(observations, MaskedBox) else observations
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network: nn.Module = networks[config.name](unmasked, predicted, config)
        if not isinstance(network, MLP):
            _check(f"network.name={config.name}", network, unmasked, int(predicted.n))
            _check_parts(config, network)
        initialise(network, config)
    if not isinstance(head, Values):
        network = HeadedNetwork(network, head)
    return MaskedNetwork(network, int(actions.n)) if is_masked else network


PARTS: dict[str, type[nn.Module]] = {"layer_norm": nn.LayerNorm, "dueling": Dueling, "noisy": NoisyLinear}
"""The module that each true-or-false key of the section `network` asks for."""


def _check_parts(config: NetworkConfig, network: nn.Module) -> None:
    """Raise ConfigError if a user's network lacks a module that the configuration asks for."""
    for key, part in PARTS.items():
        if getattr(config, key) and not any(isinstance(module, part) for module in network.modules()):
            raise ConfigError(
                f"network.{key}=true, but network.name={config.name} has no {part.__name__}; allowed: false, "
                f"or a network whose layers dqn_exp.networks.dense.dense makes"
            )


def _check(name: str, network: nn.Module, observations: spaces.Box, n_predicted: int) -> None:
    """Try forward passes: of one observation, as in acting, and of two, as in learning."""
    if not isinstance(network, nn.Module):
        raise ConfigError(f"{name} built {type(network).__name__}; allowed: a torch.nn.Module")
    was_training = network.training
    network.eval()
    for count in (1, 2):
        zeros = np.zeros((count, *observations.shape), observations.dtype)
        rows, expected = torch.from_numpy(zeros), [count, n_predicted]
        given = f"for observations {list(rows.shape)}"
        try:
            with torch.no_grad():
                values = network(rows)
        except Exception as error:
            raise ConfigError(f"{name} raised {type(error).__name__} {given}: {error}") from error
        returned = list(values.shape) if isinstance(values, Tensor) else type(values).__name__
        if returned != expected:
            raise ConfigError(
                f"{name} returned {returned} {given}; expected {expected}, its head's predictions for all "
                "actions"
            )
    network.train(was_training)
