"""The results of an Optuna study, and their reliability; the module `command` is `python -m analysis study`.

- `load_study` opens a study, `write_report` writes the page about it;
- `compare` tests the winners on fresh seeds, `confirmed` and `confirmation_rows` put the result into words;
- `best_values`, `trials_table` and `inline` are for use from Python.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from analysis.study.confirmation import compare
    from analysis.study.data import load_study
    from analysis.study.findings import confirmation_rows, confirmed
    from analysis.study.report import write_report
    from analysis.study.tables import best_values, inline, trials_table

__getattr__ = lazy(__name__, __file__)
