"""Trackers: experiment-tracking tools that follow a trial while it trains.

- `Tracker` is the interface; `TrackedTrial` describes the trial to a tracker.
- `build_tracker` builds a tracker that `track` names.
- `require` raises ConfigError if a tracker's package is missing.

The modules `tensorboard`, `mlflow` and `wandb` are the built-in trackers.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.trackers.tracker import Scalars, TrackedTrial, Tracker, build_tracker, require

__getattr__ = lazy(__name__, __file__)
