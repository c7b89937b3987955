"""`python -m analysis table`: one row per trial, CSV on stdout."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from analysis.records.csv_text import to_csv, trial_columns
from analysis.records.disk import warn_about
from analysis.records.sweep import read_sweep


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sweep_dir", type=Path, help="a sweep, a trial, or any folder that holds trials")


def run(args: argparse.Namespace) -> None:
    sweep = read_sweep(args.sweep_dir)
    warn_about(sweep.skipped)
    try:
        sys.stdout.write(to_csv(sweep.rows, trial_columns(sweep)))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
