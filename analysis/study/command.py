"""`python -m analysis study`: one page about an Optuna study."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("storage", help="path of the journal, or URL of the database, that holds the study")
    parser.add_argument("name", help="name of the study")
    parser.add_argument("--output", type=Path, help="folder to write to (default: ./report_NAME)")


def run(args: argparse.Namespace) -> None:
    from analysis.report import refuse_to_replace
    from analysis.study.data import load_study
    from analysis.study.report import write_report

    if args.output:
        refuse_to_replace(args.output)
    study = load_study(args.storage, args.name)
    print(write_report(study, args.output or Path(f"report_{args.name}")))
