"""The head of C51: the logits of a distribution of returns over fixed atoms, for each action.

Bellemare, Dabney & Munos 2017, https://arxiv.org/abs/1707.06887.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dqn_exp.config import C51Config


class C51:
    """K equally spaced atoms z_1 = v_min, ..., z_K = v_max with probabilities softmax(logits).

    Q(s, a) is the mean of the distribution. The target is the distribution of r + discount * z, projected
    onto the atoms (algorithm 1). The loss is the cross-entropy. The TD error is the Kullback-Leibler
    divergence, which is the cross-entropy minus its minimum; Rainbow prioritises by it (Hessel et al. 2018).
    """

    def __init__(self, atoms: int, v_min: float, v_max: float) -> None:
        self.outputs = atoms
        self.atoms = torch.linspace(v_min, v_max, atoms, dtype=torch.float64)

    def values(self, predictions: Tensor) -> Tensor:
        return predictions.softmax(dim=-1) @ self.atoms.to(predictions)

    def target(self, reward: Tensor, discount: Tensor, following: Tensor) -> Tensor:
        """Probabilities [B, K]: each moved atom's probability is shared between its two nearest atoms."""
        atoms = self.atoms.to(following)
        moved = (reward[:, None] + discount[:, None] * atoms).clamp(atoms[0], atoms[-1])
        distance = (atoms[:, None] - moved[:, None, :]).abs() / (atoms[1] - atoms[0])  # [B, to, from]
        share = (1 - distance).clamp(min=0)
        return (share @ following.softmax(dim=1)[:, :, None]).squeeze(2)

    def loss(self, predicted: Tensor, target: Tensor, kind: str) -> tuple[Tensor, Tensor]:
        cross_entropy = -(target * predicted.log_softmax(dim=1)).sum(dim=1)
        return cross_entropy, cross_entropy - torch.special.entr(target).sum(dim=1)


def build_c51(config: C51Config) -> C51:
    """Build the head of a resolved configuration, whose bounds `resolve_support` has set."""
    assert config.v_min is not None
    assert config.v_max is not None
    return C51(config.atoms, config.v_min, config.v_max)
