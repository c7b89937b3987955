"""`python -m analysis study`: the results of an Optuna study, and their reliability.

- `load_study` opens a study, `write_report` writes the page about it;
- `compare` tests the winners on fresh seeds, `confirmed` and `confirmation_rows` put the result into words;
- `best_values`, `trials_table` and `inline` are for use from Python.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    import optuna

    from analysis.study.confirmation import compare
    from analysis.study.data import load_study
    from analysis.study.findings import confirmation_rows, confirmed
    from analysis.study.tables import best_values, inline, trials_table

__getattr__ = lazy(__name__, __file__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("storage", help="path of the journal, or URL of the database, that holds the study")
    parser.add_argument("name", help="name of the study")
    parser.add_argument("--output", type=Path, help="folder to write to (default: ./report_NAME)")


def run(args: argparse.Namespace) -> None:
    from analysis.report import refuse_to_replace
    from analysis.study.data import load_study

    if args.output:
        refuse_to_replace(args.output)
    print(write_report(load_study(args.storage, args.name), args.output or Path(f"report_{args.name}")))


def write_report(study: optuna.Study, output: Path) -> Path:
    """Write `index.html`, `figures/` and `tables/` into `output`; they replace those of an earlier report.

    Returns the path of the page.
    """
    from analysis.study.report import write

    return write(study, output)
