"""Epsilon-greedy exploration; epsilon is a pure function of the clock."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dqn_exp.clock import Clock
from dqn_exp.config import (
    ConstantConfig,
    ExplorationConfig,
    ExponentialConfig,
    LinearConfig,
    MultiplicativeConfig,
)
from dqn_exp.masks import allowed_actions
from dqn_exp.seeding import Uniforms

Schedule = Callable[[int], float]


class Exploration:
    """In each environment, a random action with probability epsilon, otherwise the greedy one."""

    def __init__(
        self, schedule: Schedule, clock: Clock, ticks: str, n_actions: int, generator: np.random.Generator
    ) -> None:
        """`ticks`: the field of `clock` that is the argument of `schedule`."""
        self._schedule, self._clock, self._ticks = schedule, clock, ticks
        self._n_actions, self._uniforms = n_actions, Uniforms(generator)
        self._random = self._uniforms.draw
        self.epsilon = 1.0
        """Epsilon of the latest actions."""

    def explore(self, observations: np.ndarray, greedy: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Actions int64[N] for observations [N, ...]; `greedy` is not called if all actions are random."""
        epsilon = self.epsilon = self._schedule(getattr(self._clock, self._ticks))
        explored = []
        for index in range(len(observations)):
            if self._random() < epsilon:
                explored.append(index)
        if not explored:
            return greedy(observations)
        everywhere = len(explored) == len(observations)
        actions = np.empty(len(observations), np.int64) if everywhere else greedy(observations)
        for index in explored:
            actions[index] = int(self._random() * self._n_actions)  # integers() takes four times as long
        return actions

    def state(self) -> dict[str, Any]:
        return self._uniforms.state()

    def load_state(self, state: dict[str, Any]) -> None:
        self._uniforms.load_state(state)


class MaskedExploration(Exploration):
    """As `Exploration`, for observations with action masks: random actions are among the allowed ones."""

    def explore(self, observations: np.ndarray, greedy: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        self.epsilon = self._schedule(getattr(self._clock, self._ticks))
        actions = greedy(observations)
        for index, row in enumerate(observations):
            if self._random() < self.epsilon:
                allowed = allowed_actions(row, self._n_actions)
                actions[index] = allowed[int(self._random() * len(allowed))]
        return actions


def build_exploration(
    config: ExplorationConfig,
    n_actions: int,
    generator: np.random.Generator,
    clock: Clock,
    masked: bool = False,
) -> Exploration:
    """Build the exploration of `config`; `masked`: the observations are those of a `MaskedBox`."""
    ticks = "env_steps" if isinstance(config, ConstantConfig) else config.clock
    kind = MaskedExploration if masked else Exploration
    return kind(build_schedule(config), clock, ticks, n_actions, generator)


def build_schedule(config: ExplorationConfig) -> Schedule:
    """The function from a count of the configured clock to epsilon in [0, 1]."""
    match config:
        case ConstantConfig(epsilon=epsilon):
            return lambda tick: epsilon
        case ExponentialConfig(start=start, end=end, decay=decay):
            return lambda tick: end + (start - end) * math.exp(-tick / decay)
        case LinearConfig(start=start, end=end, duration=duration):
            return lambda tick: start + (end - start) * min(1.0, tick / duration)
        case MultiplicativeConfig(start=start, end=end, factor=factor):
            return lambda tick: max(end, start * factor**tick)
