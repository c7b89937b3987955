"""The mathematics of DQN as pure functions of batches. B: batch size, A: number of actions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def td_target(reward: Tensor, discount: Tensor, next_values: Tensor, selector_values: Tensor) -> Tensor:
    """r_t + discount_t * Q_target(s_{t+1}, argmax_a Q_selector(s_{t+1}, a)), all [B] but values [B, A].

    DQN selects with the target network's own values (Mnih et al. 2015), double DQN with the
    online network's (van Hasselt et al. 2016, https://arxiv.org/abs/1509.06461).
    """
    best = selector_values.argmax(dim=1, keepdim=True)
    return reward + discount * next_values.gather(1, best).squeeze(1)


def td_loss(kind: str, td_error: Tensor, weights: Tensor | None) -> Tensor:
    """Mean over the batch of the squared ("mse") or Huber loss (delta 1) of td_error [B]."""
    if kind == "mse":
        losses = td_error.square()
    else:
        losses = functional.huber_loss(td_error, torch.zeros_like(td_error), reduction="none")
    return losses.mean() if weights is None else (losses * weights).mean()
