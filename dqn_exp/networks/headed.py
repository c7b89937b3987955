"""Networks that predict several numbers for each action and return Q-values."""

from __future__ import annotations

from torch import Tensor, nn

from dqn_exp.heads import Head, Values
from dqn_exp.networks.masked import MaskedNetwork


class HeadedNetwork(nn.Module):
    """Wraps a network with outputs [B, A * K]: the forward pass returns the Q-values [B, A] of its `head`."""

    def __init__(self, network: nn.Module, head: Head) -> None:
        super().__init__()
        self.network, self.head = network, head

    def predict(self, observations: Tensor) -> Tensor:
        """The predictions [B, A, K] before the head turns them into Q-values."""
        flat: Tensor = self.network(observations)
        return flat.reshape(len(flat), -1, self.head.outputs)

    def forward(self, observations: Tensor) -> Tensor:
        return self.head.values(self.predict(observations))


def head_of(network: nn.Module) -> Head:
    """The head of `network`; `Values` if it has no other."""
    inner = network.network if isinstance(network, MaskedNetwork) else network
    return inner.head if isinstance(inner, HeadedNetwork) else Values()


def predict(network: nn.Module, rows: Tensor) -> Tensor:
    """The predictions [B, A, K] of any network, for rows in the network's own input format."""
    if isinstance(network, MaskedNetwork):
        return predict(network.network, network.observations(rows))
    if isinstance(network, HeadedNetwork):
        return network.predict(rows)
    values: Tensor = network(rows)
    return values.unsqueeze(2)
