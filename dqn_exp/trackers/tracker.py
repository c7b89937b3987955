"""What a tracker is: three methods that are told of one trial."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dqn_exp.config import ConfigError
from dqn_exp.registry import trackers

Scalars = Mapping[str, float]
"""Numbers by the names that tools group by: charts/episodic_return, eval/mean_reward, losses/td_loss."""


@dataclass(frozen=True)
class Trial:
    """Which trial is followed, in the words of those who look at many."""

    id: str
    """Sixteen hexadecimal digits: the same in every attempt at the trial, and of no other one."""
    sweep: str
    configuration: str
    """The values that the sweep varies, but for the seed: buffer=17k."""
    seed: int
    directory: Path
    hyperparameters: Mapping[str, bool | int | float | str]
    """Every value of the configuration, by its dotted name."""


class Tracker(Protocol):
    """Is told of one trial, in a thread of its own. Whatever it raises costs the trial nothing."""

    def start(self, trial: Trial) -> int | None:
        """The trial begins or goes on. Returns the last step of it that is known here already, or None.

        Only what came after that step is told.
        """

    def log(self, step: int, scalars: Scalars) -> None:
        """What has happened at this environment step; each step is told once, in order."""

    def finish(self, status: str, scalars: Scalars) -> None:
        """The trial has ended or is cut short: a status of result.json, and numbers known at the end."""


def build_tracker(name: str, options: Mapping[str, object]) -> Tracker:
    """The tracker of this name, which has started nothing; raises ConfigError where it cannot be had."""
    trackers.check("track", name)
    try:
        tracker: Tracker = trackers[name](**options)
    except ConfigError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigError(f"tracking.{name}={dict(options)}: {error}") from error
    return tracker


def require(package: str, extra: str) -> None:
    """Raise ConfigError where `package`, which the optional dependencies `extra` bring, is not installed."""
    if importlib.util.find_spec(package) is None:
        raise ConfigError(
            f"track={extra} needs the package {package}, which is not installed: "
            f"pip install 'dqn_exp[{extra}]'"
        )
