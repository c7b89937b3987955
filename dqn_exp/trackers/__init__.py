"""Trackers: other people's tools that follow a trial while it trains.

`Tracker` is what one must offer, `Trial` what it is told of a trial; `build_tracker` makes one that
`track` names, and `require` refuses one whose package is not there. The modules `tensorboard`, `mlflow` and
`wandb` are the built-in ones.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.trackers.tracker import Scalars, Tracker, Trial, build_tracker, require

__getattr__ = lazy(__name__, __file__)
