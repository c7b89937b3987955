"""The uniform replay buffer, in preallocated NumPy ring buffers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from dqn_exp.envs import Step
from dqn_exp.replay.rows import make_rows
from dqn_exp.seeding import Uniforms


class Transitions(NamedTuple):
    """The columns of stored transitions; each transition is one row.

    `discount` multiplies the bootstrapped value. It is 0 if the episode terminated, gamma if it went on or
    was truncated, and gamma**m for a sum of m rewards.
    """

    observation: Any  # [N, ...], of the observation space's shape and dtype: an array, or `StackedFrames`
    action: np.ndarray  # int64[N]
    reward: np.ndarray  # float32[N]
    next_observation: Any  # likewise
    discount: np.ndarray  # float32[N]


class Sample(NamedTuple):
    """The rows of a batch."""

    indices: np.ndarray  # int64[B]
    weights: np.ndarray | None  # float32[B], importance weights; None: all 1


class UniformReplay:
    """Stores the latest `capacity` transitions and samples them uniformly.

    A sample depends on the number of stored transitions, not on the capacity.
    """

    def __init__(
        self,
        capacity: int,
        observations: spaces.Box,
        batch_size: int,
        gamma: float,
        replacement: bool,
        generator: np.random.Generator,
    ) -> None:
        self.capacity = capacity
        self.batch_size = batch_size
        self.gamma = gamma
        self.replacement = replacement
        self._generator, self._uniforms = generator, Uniforms(generator)
        self._next = 0
        self._size = 0
        self._rows = make_rows(capacity, observations)
        # The system provides the memory of np.zeros only when rows are written
        self.transitions = Transitions(
            self._rows.observation,
            np.zeros(capacity, np.int64),
            np.zeros(capacity, np.float32),
            self._rows.next_observation,
            np.zeros(capacity, np.float32),
        )

    def __len__(self) -> int:
        return self._size

    def add(self, step: Step) -> None:
        """Store a step of each environment. The discount is 0 only if `terminated`, not if `truncated`."""
        for n, reward in enumerate(step.reward):
            discount = 0.0 if step.terminated[n] else self.gamma
            self.store(step.observation[n], step.action[n], reward, step.next_observation[n], discount)

    def store(
        self,
        observation: np.ndarray,
        action: int,
        reward: float,
        next_observation: np.ndarray,
        discount: float,
    ) -> int:
        """Write one row, over the oldest if the buffer is full; returns its index."""
        index = self._next
        _, actions, rewards, _, discounts = self.transitions
        self._rows.write(index, observation, next_observation)
        actions[index] = action
        rewards[index] = reward
        discounts[index] = discount
        self._next = index + 1 if index + 1 < self.capacity else 0
        if self._size < self.capacity:
            self._size += 1
        return index

    def sample(self) -> Sample:
        return Sample(self._draw(self.batch_size, self._size), None)

    def _draw(self, count: int, below: int) -> np.ndarray:
        """`count` integers in [0, below), int64[count]; all different unless `replacement`."""
        if self.replacement:
            return self._uniforms.integers(count, below)
        return self._generator.choice(below, count, replace=False, shuffle=False)

    def learned(self, sample: Sample, td_errors: np.ndarray) -> None:
        """Receives the TD errors float32[B] of `sample`. The uniform replay buffer ignores them."""

    def oldest_not_finite(self) -> tuple[int, float] | None:
        """The oldest observation with NaN or inf: how many rows ago it was stored, and that number."""
        rows, numbers = self._rows.not_finite(self._size)
        if not rows.size:
            return None
        ages = (self._next - 1 - rows) % self.capacity
        oldest = int(ages.argmax())
        return int(ages[oldest]), float(numbers[oldest])

    def state(self) -> dict[str, Any]:
        """The state, including the filled part of the ring buffers."""
        own = {name: column[: self._size] for name, column in self._columns().items()}
        return {
            "next": self._next,
            "size": self._size,
            "generator": self._uniforms.state(),
            "transitions": {**self._rows.state(self._size), **own},
        }

    def load_state(self, state: dict[str, Any]) -> None:
        self._next, self._size = state["next"], state["size"]
        self._uniforms.load_state(state["generator"])
        self._rows.load_state(self._size, state["transitions"])
        for name, column in self._columns().items():
            column[: self._size] = state["transitions"][name]

    def _columns(self) -> dict[str, np.ndarray]:
        """All columns except the observations."""
        _, action, reward, _, discount = self.transitions
        return {"action": action, "reward": reward, "discount": discount}
