"""When the target network is updated from the online network."""

from __future__ import annotations

from collections.abc import Callable

from dqn_exp.clock import Clock, multiples_reached
from dqn_exp.config import EpisodesTargetConfig, SoftTargetConfig, TargetConfig
from dqn_exp.envs import Step


class TargetUpdate:
    """Calls `sync(tau)` at each multiple of its period, in episodes or steps; tau = 1 is a hard copy."""

    def __init__(self, config: TargetConfig, sync: Callable[[float], None]) -> None:
        self._every = config.every
        self._tau = config.tau if isinstance(config, SoftTargetConfig) else 1.0
        self._counts_episodes = isinstance(config, EpisodesTargetConfig)
        self._sync = sync

    def after(self, step: Step, clock: Clock) -> None:
        """Update the target network if that is due after `step`, which `clock` already includes."""
        if self._every is None:
            return
        if self._counts_episodes:
            now, advance = clock.episodes, len(step.ended)
        else:
            now, advance = clock.env_steps, len(step.action)
        for _ in range(multiples_reached(self._every, now, advance)):
            self._sync(self._tau)
