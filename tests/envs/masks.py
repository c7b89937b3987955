"""An environment that forbids some of its actions, and raises if a forbidden one is taken."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

ID = "masked/Doors-v0"


class Doors(gymnasium.Env[np.ndarray, int]):
    """Six rooms with three doors each, some of them locked. Door d pays d times `pays`, a locked one raises.

    Door 2 is locked in every other room, door 0 in every third. Actions count from `start`.
    """

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012

    def __init__(
        self, start: int = 4, render_mode: str | None = None, strict: bool = True, pays: float = 1.0
    ) -> None:
        self.observation_space = spaces.Box(0, 1, (6,), np.float32)
        self.action_space = spaces.Discrete(3, start=start)
        self.render_mode, self.start, self.strict, self.pays = render_mode, start, strict, pays

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.room = 0
        return self._observe(), self._info()

    def step(self, action: int) -> Any:
        door = int(action) - self.start
        assert not self.strict or self._open()[door], f"door {door} of room {self.room} is locked"
        self.room += 1
        over = self.room == 6
        return self._observe(), self.pays * door, over, False, self._info()

    def render(self) -> Any:
        return np.zeros((16, 16, 3), np.uint8)

    def _open(self) -> np.ndarray:
        return np.array([self.room % 3 != 0, True, self.room % 2 == 0], np.int8)

    def _observe(self) -> np.ndarray:
        return np.eye(6, dtype=np.float32)[min(self.room, 5)]

    def _info(self) -> dict[str, Any]:
        """Nothing is allowed where the episode is over."""
        return {"action_mask": self._open() if self.room < 6 else np.zeros(3, np.int8)}


gymnasium.register(ID, Doors, max_episode_steps=20)  # type: ignore[arg-type]
BEST = 9.0
"""The largest return: 2 + 1 + 2 + 1 + 2 + 1."""
