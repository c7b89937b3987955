"""The head of QR-DQN: the quantiles of the distribution of returns, for each action.

Dabney et al. 2018, https://arxiv.org/abs/1710.10044.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from dqn_exp.config import QRConfig


class QR:
    """K quantiles theta_i at the levels tau_i = (i - 1/2) / K; Q(s, a) is their mean.

    The target is r + discount * theta_j. With u_ij = target_j - theta_i the loss is the sum over i of the
    mean over j of |tau_i - [u_ij < 0]| L(u_ij) (equation 10), where L is Huber's loss with delta kappa, or
    |u| where kappa is 0. The TD error is the loss.
    """

    def __init__(self, quantiles: int, kappa: float) -> None:
        self.outputs, self.kappa = quantiles, kappa
        self.tau = (torch.arange(quantiles, dtype=torch.float64) + 0.5) / quantiles

    def values(self, predictions: Tensor) -> Tensor:
        return predictions.mean(dim=-1)

    def target(self, reward: Tensor, discount: Tensor, following: Tensor) -> Tensor:
        """The target quantiles [B, K]."""
        return reward[:, None] + discount[:, None] * following

    def loss(self, predicted: Tensor, target: Tensor, kind: str) -> tuple[Tensor, Tensor]:
        error = target[:, None, :] - predicted[:, :, None]  # [B, i, j]
        weight = (self.tau.to(predicted)[:, None] - (error.detach() < 0).to(predicted)).abs()
        losses = (weight * self._huber(error)).mean(dim=2).sum(dim=1)
        return losses, losses

    def _huber(self, error: Tensor) -> Tensor:
        if self.kappa == 0:
            return error.abs()
        return functional.huber_loss(error, torch.zeros_like(error), reduction="none", delta=self.kappa)


def build_qr(config: QRConfig) -> QR:
    return QR(config.quantiles, config.kappa)
