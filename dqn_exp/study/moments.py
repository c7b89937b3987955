"""The moments at which the trials of a proposal are compared while they run, on a common clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dqn_exp.config import Config
from dqn_exp.study.record import clock_of, horizon_of, interval_of


class Moments(NamedTuple):
    """Every `interval` up to `horizon`, on the clock of the first trial.

    Trials of other environments may have another budget or count episodes. They are compared at the same
    share of their own budget.
    """

    interval: int
    horizon: int | None
    """The budget of the first trial; None if it has none, in which case there is only one environment."""
    unit: str

    def own(self, moment: float, config: Config) -> float:
        """Convert `moment` to the clock of a trial."""
        horizon = horizon_of(config)
        return moment * horizon / self.horizon if horizon and self.horizon else moment

    def common(self, time: float, config: Config) -> float:
        """Convert the `time` of a trial to the common clock."""
        horizon = horizon_of(config)
        return time * self.horizon / horizon if horizon and self.horizon else time


def moments_of(configs: Sequence[Config]) -> Moments:
    """The moments for the trials `configs`, no more frequent than the evaluations of any of them."""
    first = configs[0]
    horizon = horizon_of(first)
    intervals = {_ceiling(interval_of(c) * (horizon or 1), horizon_of(c) or horizon or 1) for c in configs}
    return Moments(max(intervals), horizon, clock_of(first).replace("_", " "))


def _ceiling(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)
