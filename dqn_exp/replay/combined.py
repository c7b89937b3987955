"""Combined experience replay (Zhang & Sutton 2017, https://arxiv.org/abs/1712.01275)."""

from __future__ import annotations

import numpy as np

from dqn_exp.replay.ring import Sample, UniformReplay


class CombinedReplay(UniformReplay):
    """Each batch consists of the latest transition and of others that are drawn uniformly."""

    def sample(self) -> Sample:
        latest = self._next - 1
        ages = 1 + self._draw(self.batch_size - 1, len(self) - 1)
        return Sample((latest - np.concatenate([[0], ages])) % len(self), None)
