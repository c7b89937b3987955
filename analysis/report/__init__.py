"""Numbers to sentences, figures and pages.

- `write_report` writes the page about a sweep, `summary_table` makes the table at the end of a sweep;
- `new_figure` and `paint_all` draw figures in one style, `render_page` renders a template;
- the module `looks` puts the looks of a sweep into words;
- `figure` and `inline` return pieces of a report for notebooks.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from analysis.report.figures import Picture, Plot, paint_all
    from analysis.report.figures.chart import Chart, note
    from analysis.report.figures.painting import numbers_and_words, paint, render
    from analysis.report.figures.style import ACCENT, FAINT, INK, OKABE_ITO, RC, count_axis, new_figure
    from analysis.report.on_disk import publish, refuse_to_replace
    from analysis.report.page import render_page
    from analysis.report.pieces import figure, inline
    from analysis.report.screen import SubjectSentences, first_screen
    from analysis.report.summary import summary_table
    from analysis.report.sweep_report import findings_about, write_report

__getattr__ = lazy(__name__, __file__)
