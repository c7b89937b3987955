"""The mathematics of bootstrapping, as functions of batches.

B: batch size, A: number of actions, K: numbers predicted for each action. Q-values of actions that a mask
does not allow are -inf.
"""

from __future__ import annotations

import torch
from torch import Tensor


def of_actions(predictions: Tensor, actions: Tensor) -> Tensor:
    """Select from predictions [B, A, K] those of one action each: [B, K]; `actions` is int64[B]."""
    chosen: Tensor = predictions[torch.arange(len(actions), device=actions.device), actions]
    return chosen


def of_best(predictions: Tensor, values: Tensor) -> Tensor:
    """Select from predictions [B, A, K] those of the action with the largest of `values` [B, A]: [B, K].

    DQN selects by the Q-values of the target network (Mnih et al. 2015), double DQN by those of the
    online network (van Hasselt et al. 2016, https://arxiv.org/abs/1509.06461).
    """
    return of_actions(predictions, values.argmax(dim=1))


def of_soft_policy(predictions: Tensor, values: Tensor, tau: float) -> Tensor:
    """The sum over a of pi(a) (prediction(a) - tau log pi(a)), [B, K], with pi = softmax(values / tau).

    Vieillard et al. 2020, https://arxiv.org/abs/2007.14430, equation 1. It is applied to each of K quantiles
    separately, as in their M-IQN.
    """
    policy = (values / tau).softmax(dim=1)
    mean = (policy[:, :, None] * predictions).sum(dim=1)
    entropy: Tensor = torch.special.entr(policy).sum(dim=1, keepdim=True)
    return mean + tau * entropy


def munchausen_bonus(values: Tensor, actions: Tensor, tau: float, alpha: float, clip: float) -> Tensor:
    """alpha * (tau log pi(a) clipped to [`clip`, 0]), [B], for the `actions` that were taken."""
    log_policy = tau * of_actions((values / tau).log_softmax(dim=1), actions)
    return alpha * log_policy.clamp(min=clip, max=0)
