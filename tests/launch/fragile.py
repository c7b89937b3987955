"""CartPole that can fail in several ways; importing this module registers it as `probe/Fragile-v0`."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import gymnasium
from gymnasium.envs.classic_control.cartpole import CartPoleEnv


class Fragile(CartPoleEnv):
    """It raises, exits, hangs or kills its process at step 300, until there is a file `healed`.

    With trouble=kill it dies at step 8 of each process, before any episode could end.
    """

    def __init__(self, trouble: str = "none", healed: str = "healed") -> None:
        super().__init__()
        self._trouble, self._healed = trouble, Path(healed)
        self._at = 8 if trouble == "kill" else 300
        self._steps = 0

    def step(self, action: int) -> Any:
        self._steps += 1
        if self._steps == self._at and not self._healed.exists():
            self._break()
        return super().step(action)

    def _break(self) -> None:
        if self._trouble == "error":
            raise RuntimeError("the pole broke")
        if self._trouble == "exit":
            raise SystemExit(3)
        once = self._healed.with_suffix(".once")
        if self._trouble == "hang_once" and not once.exists():
            once.touch()
            time.sleep(3600)
        if self._trouble == "kill" or (self._trouble == "kill_once" and not once.exists()):
            if self._trouble == "kill_once":
                once.touch()
            os.kill(os.getpid(), signal.SIGKILL)


gymnasium.register("probe/Fragile-v0", entry_point=Fragile, max_episode_steps=500, reward_threshold=475)
