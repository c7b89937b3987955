"""What a head is: the meaning of the numbers that a network predicts."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from dqn_exp.config import HeadConfig
from dqn_exp.registry import heads


class Head(Protocol):
    """Says what the K numbers are that a network predicts for each action, and what they are to become.

    B: batch size, A: number of actions. Whatever is returned is on the device of what was given.
    """

    outputs: int
    """K."""

    def values(self, predictions: Tensor) -> Tensor:
        """Q-values [..., A] of predictions [..., A, K]: what actions are chosen by."""

    def target(self, reward: Tensor, discount: Tensor, following: Tensor) -> Tensor:
        """What should have been predicted, in a form of the head's own, its first axis [B].

        `reward` [B] was earned, and `following` [B, K] is predicted for the state and action that came then.
        It counts `discount` [B], which is 0 where the episode terminated.
        """

    def loss(self, predicted: Tensor, target: Tensor, kind: str) -> tuple[Tensor, Tensor]:
        """Losses [B] of what was `predicted` [B, K], and TD errors [B], by which replay may prioritise.

        `kind`: what agent.loss asks for, "mse" or "huber"; a head may have one loss alone.
        """


def build_head(config: HeadConfig) -> Head:
    """The head that `network.head` names."""
    head: Head = heads[config.name](config)
    return head
