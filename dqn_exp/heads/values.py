"""The head of DQN (Mnih et al. 2015): the network predicts the Q-value of each action."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from dqn_exp.config import ValuesConfig


class Values:
    """K = 1. The target is r + discount * Q(s', a'); the loss is squared or Huber, of the TD error."""

    outputs = 1

    def values(self, predictions: Tensor) -> Tensor:
        return predictions.squeeze(-1)

    def target(self, reward: Tensor, discount: Tensor, following: Tensor) -> Tensor:
        """The targets [B]."""
        return reward + discount * following.squeeze(1)

    def loss(self, predicted: Tensor, target: Tensor, kind: str) -> tuple[Tensor, Tensor]:
        """The Huber loss has delta 1. The TD error is the prediction minus the target."""
        td_error = predicted.squeeze(1) - target
        if kind == "mse":
            return td_error.square(), td_error
        return functional.huber_loss(td_error, torch.zeros_like(td_error), reduction="none"), td_error


def build_values(config: ValuesConfig) -> Values:
    return Values()
