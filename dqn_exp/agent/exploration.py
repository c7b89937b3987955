"""Epsilon-greedy exploration: epsilon as a pure function of a clock."""

from __future__ import annotations

import math
from collections.abc import Callable

from dqn_exp.config import (
    ConstantConfig,
    ExponentialConfig,
    LinearConfig,
    MultiplicativeConfig,
)

Schedule = Callable[[int], float]


def build_schedule(
    config: ConstantConfig | ExponentialConfig | LinearConfig | MultiplicativeConfig,
) -> tuple[Schedule, str]:
    """Epsilon in [0, 1] for each tick, and the name of the clock that ticks."""
    match config:
        case ConstantConfig(epsilon=epsilon):
            return (lambda tick: epsilon), "env_steps"
        case ExponentialConfig(start=start, end=end, decay=decay):
            return (lambda tick: end + (start - end) * math.exp(-tick / decay)), config.clock
        case LinearConfig(start=start, end=end, duration=duration):
            return (lambda tick: start + (end - start) * min(1.0, tick / duration)), config.clock
        case MultiplicativeConfig(start=start, end=end, factor=factor):
            return (lambda tick: max(end, start * factor**tick)), config.clock
