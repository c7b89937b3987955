"""Rows to numbers: estimates, intervals and tests.

What each value of an axis did (`value_table`), each configuration (`configuration_table`), and how values
compare (`compare`), whatever the analyst chooses (`robustness`), at every return and time (`attainment`), or
in looks (`take_looks`); what several environments score together (`scores`). Below them functions of arrays:
`statistics`, `survival`, the test within seeds (`blocked`), seeds in looks (`sequential`), several
`environments`, the `sensitivity` to tuning for each, `planning`; and which trials a number is made of
(`samples`).
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from analysis.estimates.blocked import CLOSED_UP_TO, PValue, Shuffler
    from analysis.estimates.compare import AxisTest, Compared, defines_the_outcome
    from analysis.estimates.describe import (
        Table,
        configuration_table,
        per_seed,
        repeats_seeds,
        share_interval,
        value_table,
        with_interval,
    )
    from analysis.estimates.looks import Looks, design_of, take_looks
    from analysis.estimates.robustness import Robustness
    from analysis.estimates.samples import configurations, events, group, sample, seeds
    from analysis.estimates.statistics import TESTED_FROM, Floats, Interval, mean_interval
    from analysis.estimates.survival import LogRank

__getattr__ = lazy(__name__, __file__)
