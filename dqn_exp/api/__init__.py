"""Python: what the command line does, as functions that return objects.

`train` iterates the events of one trial, `run` runs one with its record, `sweep` and `study` run many;
`Trial`, `Sweep` and `Study` are what they leave, as it lies on disk. docs/python.md shows them at work.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.api.arguments import Interval, interval
    from dqn_exp.api.calls import run, study, sweep, train
    from dqn_exp.api.results import Study, Sweep, Trial
    from dqn_exp.api.training import Training

__getattr__ = lazy(__name__, __file__)
