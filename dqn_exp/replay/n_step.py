"""n-step returns: sums of discounted rewards in front of any replay."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from dqn_exp.replay.ring import Sample, Transitions, UniformReplay


class NStepReplay:
    """Stores (s_t, a_t, r_t + ... + gamma^(m-1) r_{t+m-1}, s_{t+m}, gamma^m), where m is n or what
    was left of the episode; a terminal step ends the sum and makes the discount 0."""

    def __init__(self, replay: UniformReplay, n: int) -> None:
        self._replay = replay
        self._pending: deque[tuple[np.ndarray, int, float]] = deque(maxlen=n)

    def __len__(self) -> int:
        return len(self._replay)

    @property
    def transitions(self) -> Transitions:
        return self._replay.transitions

    def add(
        self,
        observation: np.ndarray,
        action: int,
        reward: float,
        next_observation: np.ndarray,
        terminated: bool,
        truncated: bool,
    ) -> None:
        self._pending.append((observation, action, reward))
        if terminated or truncated:
            while self._pending:
                self._store_oldest(next_observation, terminated)
                self._pending.popleft()
        elif len(self._pending) == self._pending.maxlen:
            self._store_oldest(next_observation, terminated)

    def _store_oldest(self, next_observation: np.ndarray, terminated: bool) -> None:
        gamma = self._replay.gamma
        total = sum(gamma**k * reward for k, (_, _, reward) in enumerate(self._pending))
        discount = 0.0 if terminated else gamma ** len(self._pending)
        observation, action, _ = self._pending[0]
        self._replay.store(observation, action, total, next_observation, discount)

    def sample(self) -> Sample:
        return self._replay.sample()

    def learned(self, sample: Sample, td_errors: np.ndarray) -> None:
        self._replay.learned(sample, td_errors)

    def state(self) -> dict[str, Any]:
        """Valid between episodes, when nothing is pending."""
        return self._replay.state()

    def arrays(self) -> dict[str, np.ndarray]:
        return self._replay.arrays()

    def load_state(self, state: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self._replay.load_state(state, arrays)
