"""What a learner is, and which one a configuration gets."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from torch import Tensor, nn

from dqn_exp.agent.eligibility import check_learner, choose_learner
from dqn_exp.agent.torch_learner import TorchLearner
from dqn_exp.config import Config, ConfigError
from dqn_exp.replay import Transitions


class Learner(Protocol):
    """Owns the online network, the target network and the optimiser."""

    name: str
    network: nn.Module

    def values(self, observation: np.ndarray) -> np.ndarray:
        """Q-values float32[..., A] of observations float32[..., D]."""

    def greedy(self, observations: np.ndarray) -> np.ndarray:
        """The action of the largest Q-value, int64[B], for each of the observations float32[B, D]."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """As `greedy` while training: where the network has noise to explore by, it has it here."""

    def update(self, transitions: Transitions, indices: np.ndarray, weights: np.ndarray | None) -> float:
        """One gradient step on the rows `indices` of `transitions`; returns the loss before it."""

    @property
    def td_errors(self) -> np.ndarray:
        """float32[B] of the latest update: predicted minus target; valid until the next."""

    @property
    def largest_value(self) -> float:
        """The largest |Q(s, a)| of the latest update's batch; NaN where one of them is."""

    def statistics(self) -> tuple[float, float, float]:
        """Of the latest update: gradient norm as applied, mean of Q [B, A], largest |Q|."""

    def sync_target(self, tau: float) -> None:
        """target <- target + tau * (online - target)."""

    def arrays(self) -> dict[str, Tensor]:
        """Everything that learning has changed, by name; the same names for every learner."""

    def load_arrays(self, arrays: dict[str, Tensor]) -> None: ...


def build_learner(config: Config, network: nn.Module, seed: int) -> Learner:
    """The learner that `config.learner` asks for; raises ConfigError where it cannot be had.

    `seed`: of the stream that networks with dropout and the like draw from.
    """
    check_learner(config)
    device = resolve_device(config.device)
    has_target = config.target.name != "none"
    if choose_learner(config) == "fused":
        from dqn_exp.agent.fused import FusedLearner

        return FusedLearner(network, config.agent, config.optimizer, has_target)
    return TorchLearner(network, config.agent, config.optimizer, has_target, device, seed)


def resolve_device(device: str) -> str:
    """cpu or cuda. `auto` is cpu: networks this small learn faster there."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device='cuda': this machine has no usable CUDA device; allowed: cpu")
    return "cpu" if device == "auto" else device
