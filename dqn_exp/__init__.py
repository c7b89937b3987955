"""Measure how a hyperparameter changes the way a DQN learns, and how certain the result is.

The Python functions are `train`, `run`, `sweep` and `study`; docs/python.md has examples.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import called_as, lazy

__version__ = "0.1.0"

if TYPE_CHECKING:
    from dqn_exp.api import Study, Sweep, Training, Trial, interval, run, study, sweep, train
    from dqn_exp.config import ConfigError
    from dqn_exp.training import EpisodeEnded, Evaluated, Learned

__getattr__ = lazy(__name__, __file__)
called_as("dqn_exp.study", "dqn_exp.api")
