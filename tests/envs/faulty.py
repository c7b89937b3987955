"""Environments that break the contract, and some that only seem to break it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces


class Plain(gymnasium.Env[np.ndarray, int]):
    """Shows four numbers of its own generator; ends after nine steps."""

    observation_space = spaces.Box(-10, 10, (4,), np.float32)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self.draw(), {}

    def step(self, action: int) -> Any:
        self.steps += 1
        return self.draw(), 1.0, self.steps == 9, False, {}

    def draw(self) -> Any:
        return self.np_random.random(4).astype(np.float32)


class DrawsFromNumpy(Plain):
    def draw(self) -> Any:
        return np.random.random(4).astype(np.float32)  # noqa: NPY002


class DrawsFromPython(Plain):
    def draw(self) -> Any:
        return np.array([random.random() for _ in range(4)], np.float32)


class DrawsInResetOnly(Plain):
    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self.level = np.random.random()  # noqa: NPY002
        return super().reset(seed=seed)

    def draw(self) -> Any:
        return super().draw() + np.float32(self.level)


class ForgetsItsSeed(Plain):
    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self.steps = 0
        return self.draw(), {}


def faulty(**methods: Callable[..., Any]) -> type[Plain]:
    """A plain environment with other methods."""
    return type("Faulty", (Plain,), methods)


FAULTS: dict[str, tuple[type[Plain], str]] = {
    "OldReset": (
        faulty(reset=lambda self, *, seed=None, options=None: Plain.reset(self, seed=seed)[0]),
        r"its reset returned array.*expected \(observation, info\)",
    ),
    "OldStep": (
        faulty(step=lambda self, action: Plain.step(self, action)[:4]),
        r"its step returned \(array.*expected \(observation, reward, terminated, truncated, info\)",
    ),
    "NoSeed": (
        faulty(reset=lambda self: Plain.reset(self)),
        r"failed in its first reset or step: TypeError: .*seed",
    ),
    "ShorterObservation": (
        faulty(draw=lambda self: np.zeros(3, np.float32)),
        r"its reset returned .*expected an observation of Box\(-10.0, 10.0, \(4,\)",
    ),
    "OneNumber": (
        faulty(draw=lambda self: np.zeros(1, np.float32)),
        r"its reset returned .*expected an observation of Box",
    ),
    "VectorReward": (
        faulty(step=lambda self, action: (Plain.step(self, action)[0], [1.0, 2.0], False, False, {})),
        r"its step returned .*with a number for reward",
    ),
    "NoReward": (
        faulty(step=lambda self, action: (Plain.step(self, action)[0], None, False, False, {})),
        r"its step returned .*with a number for reward",
    ),
    "NanReward": (
        faulty(step=lambda self, action: (Plain.step(self, action)[0], np.nan, False, False, {})),
        r"its step 1 returned the reward nan",
    ),
    "Exits": (faulty(step=lambda self, action: exit(3)), r"first reset or step: SystemExit: 3"),
}
