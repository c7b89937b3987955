"""Proportional prioritised replay (Schaul et al. 2016, https://arxiv.org/abs/1511.05952)."""

from __future__ import annotations

from typing import Any

import numpy as np

from dqn_exp.replay.ring import Sample, UniformReplay
from dqn_exp.replay.sum_tree import SumTree


class PrioritisedReplay(UniformReplay):
    """P(i) = p_i^alpha / sum p^alpha with p = |TD error| + floor; new transitions get the largest p so far.

    Importance weights are (N P(i))^-beta, divided by their maximum over the batch. beta changes linearly
    from `beta_start` to `beta_end` over `beta_updates` samples.
    """

    def __init__(
        self,
        *args: Any,
        alpha: float,
        beta_start: float,
        beta_end: float,
        beta_updates: int,
        floor: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._alpha = alpha
        self._beta_start, self._beta_end, self._beta_updates = beta_start, beta_end, beta_updates
        self._floor = floor
        self._largest = 1.0
        self._samples = 0
        self._tree = SumTree(self.capacity)

    @property
    def beta(self) -> float:
        progress = min(1.0, self._samples / self._beta_updates)
        return self._beta_start + progress * (self._beta_end - self._beta_start)

    def store(self, *row: Any) -> int:
        index = super().store(*row)
        self._tree[index] = self._largest**self._alpha
        return index

    def sample(self) -> Sample:
        """Draw one transition from each of B equal slices of the total priority."""
        total, batch = self._tree.total, self.batch_size
        slices = (np.arange(batch) + self._uniforms.take(batch)) / batch
        indices = self._tree.find(slices * total)
        probabilities = self._tree[indices] / total
        weights = (len(self) * probabilities) ** -self.beta
        self._samples += 1
        return Sample(indices, (weights / weights.max()).astype(np.float32))

    def learned(self, sample: Sample, td_errors: np.ndarray) -> None:
        priorities = np.abs(td_errors).astype(np.float64) + self._floor
        self._tree[sample.indices] = priorities**self._alpha
        self._largest = max(self._largest, float(priorities.max()))

    def state(self) -> dict[str, Any]:
        own = {"largest": self._largest, "samples": self._samples, "priority": self._tree[self._filled]}
        return {**super().state(), **own}

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self._largest, self._samples = state["largest"], state["samples"]
        self._tree[self._filled] = state["priority"]

    @property
    def _filled(self) -> np.ndarray:
        return np.arange(len(self))
