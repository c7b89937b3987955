"""The head of DQN (Mnih et al. 2015): the number that is predicted for an action is its Q-value."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from dqn_exp.config import ValuesConfig


class Values:
    """K = 1. The target is r + discount * Q(s', a'); the loss of the TD error is squared or Huber's."""

    outputs = 1

    def values(self, predictions: Tensor) -> Tensor:
        return predictions.squeeze(-1)

    def target(self, reward: Tensor, discount: Tensor, following: Tensor) -> Tensor:
        """[B]."""
        return reward + discount * following.squeeze(1)

    def loss(self, predicted: Tensor, target: Tensor, kind: str) -> tuple[Tensor, Tensor]:
        """Huber's loss has delta 1. The TD error is what was predicted minus the target."""
        td_error = predicted.squeeze(1) - target
        if kind == "mse":
            return td_error.square(), td_error
        return functional.huber_loss(td_error, torch.zeros_like(td_error), reduction="none"), td_error


def build_values(config: ValuesConfig) -> Values:
    return Values()
