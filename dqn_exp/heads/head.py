"""The interface of a head, which gives the numbers that a network predicts their meaning."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from dqn_exp.config import HeadConfig
from dqn_exp.registry import heads


class Head(Protocol):
    """Defines the K numbers that a network predicts for each action, and their targets and losses.

    B: batch size, A: number of actions. Results are on the device of the arguments.
    """

    outputs: int
    """K."""

    def values(self, predictions: Tensor) -> Tensor:
        """Q-values [..., A] of predictions [..., A, K]. Actions are chosen by them."""

    def target(self, reward: Tensor, discount: Tensor, following: Tensor) -> Tensor:
        """The targets of the predictions, in the head's own form; the first axis is [B].

        `reward` [B] is the reward earned and `following` [B, K] the prediction for the next state and action.
        `discount` [B] multiplies the values of that prediction; it is 0 if the episode terminated.
        """

    def loss(self, predicted: Tensor, target: Tensor, kind: str) -> tuple[Tensor, Tensor]:
        """The losses [B] of `predicted` [B, K], and TD errors [B], by which the replay buffer may prioritise.

        `kind`: the value of agent.loss, "mse" or "huber"; a head with only one loss ignores it.
        """


def build_head(config: HeadConfig) -> Head:
    """Build the head that `network.head` names."""
    head: Head = heads[config.name](config)
    return head
