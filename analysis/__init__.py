"""What a sweep shows, and how sure one may be: reads the records that trials leave on disk.

`load_runs` gives one row per trial, `load_curves` one row per line of their metric files; `policy` shows in a
notebook what the network of a trial thinks.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from analysis.network import explore as policy
    from analysis.records import load_curves, load_runs

__getattr__ = lazy(__name__, __file__)
