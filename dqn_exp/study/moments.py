"""When the trials of a proposal are compared while they run: a common clock for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dqn_exp.config import Config
from dqn_exp.study.objective import clock_of, horizon_of, interval_of


class Moments(NamedTuple):
    """Every `interval` up to `horizon` on the clock of the first trial.

    Trials of another environment, which may have another budget or count episodes, are then at the same
    share of their budget.
    """

    interval: int
    horizon: int | None
    """The budget of the first trial; None where it has none, and then there is one environment only."""
    unit: str

    def own(self, moment: float, config: Config) -> float:
        """`moment` on the clock of a trial."""
        horizon = horizon_of(config)
        return moment * horizon / self.horizon if horizon and self.horizon else moment

    def common(self, time: float, config: Config) -> float:
        """`time` of a trial on the common clock."""
        horizon = horizon_of(config)
        return time * self.horizon / horizon if horizon and self.horizon else time


def moments_of(configs: Sequence[Config]) -> Moments:
    """As often as all trials of a proposal are evaluated."""
    first = configs[0]
    horizon = horizon_of(first)
    intervals = {_ceiling(interval_of(c) * (horizon or 1), horizon_of(c) or horizon or 1) for c in configs}
    return Moments(max(intervals), horizon, clock_of(first).replace("_", " "))


def _ceiling(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)
