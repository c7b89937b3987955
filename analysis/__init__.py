"""Analysis of sweeps: reads the records of trials on disk, and reports results and their uncertainty.

`load_runs` returns one row per trial, `load_curves` one row per line of the trials' metric files. `policy`
shows the Q-values and actions of a trained network in a notebook.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from analysis.network import explore as policy
    from analysis.records import load_curves, load_runs

__getattr__ = lazy(__name__, __file__)
