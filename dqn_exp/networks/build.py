"""From the configuration of a network to a module with its first weights."""

from __future__ import annotations

import torch
from gymnasium import spaces
from torch import Tensor, nn

from dqn_exp.config import ConfigError, NetworkConfig
from dqn_exp.masks import MaskedBox
from dqn_exp.networks.dense import Dueling
from dqn_exp.networks.initial import initialise
from dqn_exp.networks.masked import MaskedNetwork
from dqn_exp.networks.mlp import MLP
from dqn_exp.networks.noisy import NoisyLinear
from dqn_exp.registry import networks


def build_network(
    config: NetworkConfig, observations: spaces.Box, actions: spaces.Discrete, seed: int
) -> nn.Module:
    """A module that maps float32[B, *observations.shape] to Q-values float32[B, actions.n].

    Raises ConfigError where a user's own returns something else. Of a `MaskedBox` it is given the
    observations without the masks.
    """
    is_masked = isinstance(observations, MaskedBox)
    seen = observations.observations if isinstance(observations, MaskedBox) else observations
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network: nn.Module = networks[config.name](seen, actions, config)
        if not isinstance(network, MLP):
            _check(f"network.name={config.name}", network, seen, int(actions.n))
            _check_parts(config, network)
        initialise(network, config)
    return MaskedNetwork(network, int(actions.n)) if is_masked else network


PARTS: dict[str, type[nn.Module]] = {"layer_norm": nn.LayerNorm, "dueling": Dueling, "noisy": NoisyLinear}
"""What the keys of the section `network` that are true or false ask for."""


def _check_parts(config: NetworkConfig, network: nn.Module) -> None:
    """Raise ConfigError where a network of the user's has nothing of what is asked for."""
    for key, part in PARTS.items():
        if getattr(config, key) and not any(isinstance(module, part) for module in network.modules()):
            raise ConfigError(
                f"network.{key}=true, and network.name={config.name} has no {part.__name__}; allowed: false, "
                f"or a network whose layers are made by dqn_exp.networks.dense.dense"
            )


def _check(name: str, network: nn.Module, observations: spaces.Box, n_actions: int) -> None:
    """One forward pass, of one observation as in acting and of several as in learning."""
    if not isinstance(network, nn.Module):
        raise ConfigError(f"{name} built {type(network).__name__}; allowed: a torch.nn.Module")
    was_training = network.training
    network.eval()
    for count in (1, 2):
        rows, expected = torch.zeros(count, *observations.shape), [count, n_actions]
        given = f"for observations {list(rows.shape)}"
        try:
            with torch.no_grad():
                values = network(rows)
        except Exception as error:
            raise ConfigError(f"{name} raised {type(error).__name__} {given}: {error}") from error
        told = list(values.shape) if isinstance(values, Tensor) else type(values).__name__
        if told != expected:
            raise ConfigError(
                f"{name} returned {told} {given}; expected {expected}: a Q-value for each action"
            )
    network.train(was_training)
