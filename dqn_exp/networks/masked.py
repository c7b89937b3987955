"""Networks for observations with action masks."""

from __future__ import annotations

import math

from torch import Tensor, nn


class MaskedNetwork(nn.Module):
    """Wraps a network of observations [B, D] for rows [B, D + A] that end with the action mask.

    The forward pass returns the Q-values of all actions; `choice_values` rules out those not allowed.
    """

    def __init__(self, network: nn.Module, n_actions: int) -> None:
        super().__init__()
        self.network, self.n_actions = network, n_actions

    def forward(self, rows: Tensor) -> Tensor:
        values: Tensor = self.network(self.observations(rows))
        return values

    def observations(self, rows: Tensor) -> Tensor:
        """The rows without their masks."""
        return rows[:, : -self.n_actions]


def rule_out(network: nn.Module, rows: Tensor, values: Tensor) -> Tensor:
    """`values` [B, A] with -inf for actions that the mask of a row does not allow."""
    if not isinstance(network, MaskedNetwork):
        return values
    return values.masked_fill(rows[:, -network.n_actions :] == 0, -math.inf)


def choice_values(network: nn.Module, rows: Tensor) -> Tensor:
    """Q-values [B, A] for choosing actions: -inf for actions that the mask of a row does not allow."""
    return rule_out(network, rows, network(rows))
