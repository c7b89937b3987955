"""The interface of a tracker: three methods that receive the data of one trial."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dqn_exp.config import ConfigError
from dqn_exp.registry import trackers

Scalars = Mapping[str, float]
"""Numbers by grouped names, such as charts/episodic_return, eval/mean_reward, losses/td_loss."""


@dataclass(frozen=True)
class TrackedTrial:
    """Identifies the followed trial."""

    id: str
    """16 hexadecimal digits, equal in every attempt at the trial and different for other trials."""
    sweep: str
    configuration: str
    """The values that the sweep varies, except the seed, such as buffer=17k."""
    seed: int
    directory: Path
    hyperparameters: Mapping[str, bool | int | float | str]
    """Every value of the configuration, by its dotted name."""


class Tracker(Protocol):
    """Receives the data of one trial, in a separate thread. Its exceptions do not affect the trial."""

    def start(self, trial: TrackedTrial) -> int | None:
        """Called when the trial begins or continues.

        Returns the last step that the tracker already has, or None. Only later steps are then logged.
        """

    def log(self, step: int, scalars: Scalars) -> None:
        """Called with the numbers of an environment step; each step once, in order."""

    def finish(self, status: str, scalars: Scalars) -> None:
        """Called when the trial has ended or is interrupted, with its status and the final numbers."""


def build_tracker(name: str, options: Mapping[str, object]) -> Tracker:
    """Build the tracker `name`, without starting it; raises ConfigError if that fails."""
    trackers.check("track", name)
    try:
        tracker: Tracker = trackers[name](**options)
    except ConfigError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigError(f"tracking.{name}={dict(options)}: {error}") from error
    return tracker


def require(package: str, extra: str) -> None:
    """Raise ConfigError if `package`, which the optional dependency `extra` installs, is missing."""
    if importlib.util.find_spec(package) is None:
        raise ConfigError(
            f"track={extra} needs the package {package}, which is not installed: "
            f"pip install 'dqn_exp[{extra}]'"
        )
