"""Networks for observations that say which actions are allowed."""

from __future__ import annotations

import math

from torch import Tensor, nn


class MaskedNetwork(nn.Module):
    """A network of observations [B, D] that takes rows [B, D + A], with the mask of the actions behind.

    Its values are those of `network`, of all actions; `choice_values` rules out what is not allowed.
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
    """Q-values [B, A] with -inf for the actions that the mask of a row does not allow."""
    if not isinstance(network, MaskedNetwork):
        return values
    return values.masked_fill(rows[:, -network.n_actions :] == 0, -math.inf)


def choice_values(network: nn.Module, rows: Tensor) -> Tensor:
    """Q-values [B, A] to choose actions by: -inf for those that a row's mask does not allow."""
    return rule_out(network, rows, network(rows))
