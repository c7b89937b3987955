"""The initial weights of a network, if they are not torch's own."""

from __future__ import annotations

import math

from torch import nn

from dqn_exp.config import NetworkConfig
from dqn_exp.networks.dense import Dueling
from dqn_exp.networks.noisy import noisy_layers

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def initialise(network: nn.Module, config: NetworkConfig) -> None:
    """Draw the initial weights as `network.init` says, from torch's global generator.

    - "uniform": all parameters from U(-init_scale, init_scale).
    - "orthogonal" (Saxe et al. 2014, https://arxiv.org/abs/1312.6120): the weights of linear and
      convolutional layers, with gain sqrt(2), in the last layer with gain 1; biases are 0.

    The noise parameters sigma of noisy layers are unchanged.
    """
    if config.init == "uniform":
        sizes = {id(p) for layer in noisy_layers(network) for p in (layer.weight_sigma, layer.bias_sigma)}
        for parameter in network.parameters():
            if id(parameter) not in sizes:
                nn.init.uniform_(parameter, -config.init_scale, config.init_scale)
    elif config.init == "orthogonal":
        outputs = _outputs(network)
        for layer in _layers(network):
            nn.init.orthogonal_(layer.weight, gain=1.0 if layer in outputs else math.sqrt(2))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _layers(network: nn.Module) -> list[nn.Linear]:
    return [module for module in network.modules() if isinstance(module, LAYERS)]  # type: ignore[misc]


def _outputs(network: nn.Module) -> list[nn.Linear]:
    """The last layer, or in a dueling network the last layer of each stream."""
    streams = [s for m in network.modules() if isinstance(m, Dueling) for s in (m.value, m.advantage)]
    return [layer for part in streams or [network] for layer in _layers(part)[-1:]]
