"""n-step returns: sum up discounted rewards before transitions are stored in a replay buffer."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from dqn_exp.envs import Step
from dqn_exp.replay.ring import Sample, Transitions, UniformReplay

Pending = tuple[np.ndarray, int, float]
"""Observation, action and reward of a step whose sum is incomplete."""


class NStepReplay:
    """Stores (s_t, a_t, r_t + ... + gamma^(m-1) r_{t+m-1}, s_{t+m}, gamma^m).

    m is n, or the number of remaining steps of the episode if that is smaller. A terminal step ends the sum
    and makes the discount 0.
    """

    def __init__(self, replay: UniformReplay, n: int, n_environments: int) -> None:
        self._replay, self._n = replay, n
        self._pending: list[deque[Pending]] = [deque(maxlen=n) for _ in range(n_environments)]

    def __len__(self) -> int:
        return len(self._replay)

    @property
    def batch_size(self) -> int:
        return self._replay.batch_size

    @property
    def transitions(self) -> Transitions:
        return self._replay.transitions

    def add(self, step: Step) -> None:
        """Add a step of each environment to its sums; store the sums that are complete."""
        for n, pending in enumerate(self._pending):
            pending.append((step.observation[n].copy(), int(step.action[n]), float(step.reward[n])))
            reached, terminated = step.next_observation[n], bool(step.terminated[n])
            if terminated or step.truncated[n]:
                while pending:
                    self._store_oldest(pending, reached, terminated)
                    pending.popleft()
            elif len(pending) == self._n:
                self._store_oldest(pending, reached, False)

    def _store_oldest(self, pending: deque[Pending], next_observation: np.ndarray, terminated: bool) -> None:
        gamma = self._replay.gamma
        total = sum(gamma**k * reward for k, (_, _, reward) in enumerate(pending))
        discount = 0.0 if terminated else gamma ** len(pending)
        observation, action, _ = pending[0]
        self._replay.store(observation, action, total, next_observation, discount)

    def sample(self) -> Sample:
        return self._replay.sample()

    def learned(self, sample: Sample, td_errors: np.ndarray) -> None:
        self._replay.learned(sample, td_errors)

    def oldest_not_finite(self) -> tuple[int, float] | None:
        return self._replay.oldest_not_finite()

    def state(self) -> dict[str, Any]:
        """The state, including the steps whose sums are incomplete."""
        pending = [[list(one) for one in environment] for environment in self._pending]
        return {"pending": pending, "replay": self._replay.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        self._replay.load_state(state["replay"])
        for pending, saved in zip(self._pending, state["pending"], strict=True):
            pending.clear()
            pending.extend((observation, action, reward) for observation, action, reward in saved)
