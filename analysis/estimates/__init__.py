"""Rows to numbers: estimates, intervals and tests.

What each value of an axis did (`value_table`), each configuration (`configuration_table`), and how values
compare (`compare`); below them functions of arrays: `statistics`, `survival`.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from analysis.estimates.blocked import PValue, Shuffler
    from analysis.estimates.compare import AxisTest, Compared
    from analysis.estimates.describe import (
        Table,
        configuration_table,
        per_seed,
        repeats_seeds,
        share_interval,
        value_table,
    )
    from analysis.estimates.samples import events, group, sample, seeds
    from analysis.estimates.statistics import Floats, Interval, mean_interval
    from analysis.estimates.survival import LogRank

__getattr__ = lazy(__name__, __file__)
