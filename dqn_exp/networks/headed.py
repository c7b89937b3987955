"""Networks that predict several numbers for each action, and are Q-values to everybody else."""

from __future__ import annotations

from torch import Tensor, nn

from dqn_exp.heads import Head, Values
from dqn_exp.networks.masked import MaskedNetwork


class HeadedNetwork(nn.Module):
    """A network of observations to [B, A * K] as one to Q-values [B, A], by what `head` says they are."""

    def __init__(self, network: nn.Module, head: Head) -> None:
        super().__init__()
        self.network, self.head = network, head

    def predict(self, observations: Tensor) -> Tensor:
        """The predictions [B, A, K]."""
        flat: Tensor = self.network(observations)
        return flat.reshape(len(flat), -1, self.head.outputs)

    def forward(self, observations: Tensor) -> Tensor:
        return self.head.values(self.predict(observations))


def head_of(network: nn.Module) -> Head:
    """What `network` predicts: Q-values, unless it says otherwise."""
    inner = network.network if isinstance(network, MaskedNetwork) else network
    return inner.head if isinstance(inner, HeadedNetwork) else Values()


def predict(network: nn.Module, rows: Tensor) -> Tensor:
    """The predictions [B, A, K] of any network, for rows as it takes them."""
    if isinstance(network, MaskedNetwork):
        return predict(network.network, network.observations(rows))
    if isinstance(network, HeadedNetwork):
        return network.predict(rows)
    values: Tensor = network(rows)
    return values.unsqueeze(2)
