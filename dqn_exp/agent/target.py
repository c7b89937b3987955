"""When the target network follows the online one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dqn_exp.config import TargetConfig


@dataclass
class TargetUpdate:
    """Calls `sync(tau)` at exact multiples of `every` of its own clock; tau = 1 is a hard copy."""

    config: TargetConfig
    sync: Callable[[float], None]

    def after_step(self, env_steps: int) -> None:
        if self.config.name in ("steps", "soft") and env_steps % self.config.every == 0:
            self.sync(self.config.tau)

    def after_episode(self, episodes: int) -> None:
        if self.config.name == "episodes" and episodes % self.config.every == 0:
            self.sync(1.0)
