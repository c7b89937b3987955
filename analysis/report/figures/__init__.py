"""The figures of a report: what is drawn and how it is captioned; each kind of figure is a module.

- `Plot` is a figure that can be drawn, `Picture` one that was; `paint_all` makes pictures of plots.
- The functions that end in `_plot` or `_plots` return the plots of a sweep, in the order of reading.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from analysis.report.figures.painting import Picture, Plot, paint_all
    from analysis.report.figures.plots import (
        attainment_plot,
        axis_plots,
        choices_plot,
        environments_plot,
        looks_plot,
        pair_plots,
        scores_plots,
        sweeps_plot,
    )

__getattr__ = lazy(__name__, __file__)
