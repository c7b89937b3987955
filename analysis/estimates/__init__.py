"""Rows to numbers: estimates, intervals and tests.

These work on the rows of a sweep:

- `value_table` describes each value of an axis, `configuration_table` each configuration;
- `compare` tests values against a reference;
- `robustness` repeats the test for other choices of the analyst;
- `attainment` compares values at every return and time;
- `take_looks` tests a sweep that adds seeds in looks;
- `scores` combines several environments;
- `samples` chooses the trials that a number is made of.

These are functions of arrays: `statistics`, `survival`, `blocked` (the permutation test within seeds),
`sequential` (tests in looks), `environments`, `sensitivity` (to hyperparameters), `planning`.
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
