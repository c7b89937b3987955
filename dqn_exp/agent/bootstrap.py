"""Bootstrapping: which prediction for the next state enters a target, a greedy or a soft policy's."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from torch import Tensor, nn

from dqn_exp.agent.td import munchausen_bonus, of_best, of_soft_policy
from dqn_exp.config import AgentConfig, MunchausenConfig
from dqn_exp.heads import Head
from dqn_exp.networks import predict, rule_out


class Batch(NamedTuple):
    """Transitions to learn from, as tensors."""

    observation: Tensor  # [B, ...]
    action: Tensor  # int64[B]
    reward: Tensor  # [B]
    next_observation: Tensor  # [B, ...]
    discount: Tensor  # [B]; 0 where the episode terminated


class Bootstrap(Protocol):
    def __call__(
        self, head: Head, batch: Batch, online: nn.Module, target: nn.Module
    ) -> tuple[Tensor, Tensor]:
        """The rewards [B] of the targets, and the predictions [B, K] for the next state."""


class Greedy:
    """The unchanged rewards, and the target network's predictions for the best next action.

    The best action is chosen by the target network, or by the online network if `double` is set.
    """

    def __init__(self, double: bool) -> None:
        self._double = double

    def __call__(
        self, head: Head, batch: Batch, online: nn.Module, target: nn.Module
    ) -> tuple[Tensor, Tensor]:
        rows = batch.next_observation
        predictions = predict(target, rows)
        values = head.values(predict(online, rows) if self._double else predictions)
        return batch.reward, of_best(predictions, rule_out(target, rows, values))


class Munchausen:
    """Rewards with a bonus for likely actions, and the expected prediction under a soft policy.

    The policy is softmax(Q / tau) of the target network (Vieillard et al. 2020,
    https://arxiv.org/abs/2007.14430).
    """

    def __init__(self, config: MunchausenConfig) -> None:
        self._config = config

    def __call__(
        self, head: Head, batch: Batch, online: nn.Module, target: nn.Module
    ) -> tuple[Tensor, Tensor]:
        tau, rows = self._config.tau, batch.next_observation
        now = rule_out(target, batch.observation, target(batch.observation))
        bonus = munchausen_bonus(now, batch.action, tau, self._config.alpha, self._config.clip)
        predictions = predict(target, rows)
        values = rule_out(target, rows, head.values(predictions))
        return batch.reward + bonus, of_soft_policy(predictions, values, tau)


def build_bootstrap(config: AgentConfig) -> Bootstrap:
    return Munchausen(config.munchausen) if config.munchausen else Greedy(config.double)
