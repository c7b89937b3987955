"""The Python interface: functions that do the same as the command line and return objects.

- `train` iterates over the events of one trial, without a record.
- `run` runs one trial with its record and returns a `Trial`.
- `sweep` and `study` run many trials and return a `Sweep` and a `Study`.

The returned objects read the records on disk. docs/python.md has examples.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.api.arguments import Interval, interval
    from dqn_exp.api.calls import run, study, sweep, train
    from dqn_exp.api.results import Study, Sweep, Trial
    from dqn_exp.api.training import Training

__getattr__ = lazy(__name__, __file__)
