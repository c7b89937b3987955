"""The interface of a learner, and the choice of one for a configuration."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from gymnasium import spaces
from torch import Tensor, nn

from dqn_exp.agent.eligibility import check_learner, choose_learner
from dqn_exp.agent.torch_learner import TorchLearner
from dqn_exp.config import Config, ConfigError
from dqn_exp.images import ImageBox
from dqn_exp.replay import Transitions


class Learner(Protocol):
    """Owns the online network, the target network and the optimiser."""

    name: str
    network: nn.Module

    def values(self, observation: np.ndarray) -> np.ndarray:
        """Q-values float32[..., A] of observations float32[..., D]."""

    def greedy(self, observations: np.ndarray) -> np.ndarray:
        """The action with the largest Q-value, int64[B], for each of the observations [B, ...]."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """As `greedy`, during training: noisy layers apply their noise here."""

    def update(self, transitions: Transitions, indices: np.ndarray, weights: np.ndarray | None) -> float:
        """Make one gradient step on the rows `indices` of `transitions`; returns the loss before the step."""

    @property
    def td_errors(self) -> np.ndarray:
        """TD errors float32[B] of the latest update, as the head defines them; valid until the next one."""

    @property
    def largest_value(self) -> float:
        """The largest |Q(s, a)| in the batch of the latest update; NaN if one of them is NaN."""

    def statistics(self) -> tuple[float, float, float]:
        """Of the latest update: norm of the applied gradient, mean of Q(s, a) over [B, A], largest |Q|."""

    def sync_target(self, tau: float) -> None:
        """target <- target + tau * (online - target)."""

    def arrays(self) -> dict[str, Tensor]:
        """Everything that learning changes, by name; all learners use the same names."""

    def load_arrays(self, arrays: dict[str, Tensor]) -> None: ...


def build_learner(
    config: Config, network: nn.Module, seed: int, observations: spaces.Box | None = None
) -> Learner:
    """Build the learner that `config.learner` asks for; raises ConfigError if it does not apply.

    `seed`: of the random stream that networks with dropout, noise or the like draw from. `observations`: the
    space of the network's inputs; needed only for images.
    """
    check_learner(config)
    device = resolve_device(config.device)
    has_target = config.target.name != "none"
    if choose_learner(config) == "fused":
        from dqn_exp.agent.fused import FusedLearner

        images = observations if isinstance(observations, ImageBox) else None
        return FusedLearner(network, config.agent, config.optimizer, has_target, images)
    return TorchLearner(network, config.agent, config.optimizer, has_target, device, seed)


def resolve_device(device: str) -> str:
    """The device, cpu or cuda; raises ConfigError if CUDA is missing.

    `auto` means cpu, because networks this small learn faster there.
    """
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device='cuda': this machine has no usable CUDA device; allowed: cpu")
    return "cpu" if device == "auto" else device
