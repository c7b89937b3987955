"""`python -m analysis table`: one row per trial, CSV on stdout."""

from __future__ import annotations

import argparse
import os
import sys

from analysis.records.command_line import add_path_arguments
from analysis.records.csv_text import to_csv, trial_columns
from analysis.records.disk import warn_about
from analysis.records.sweep import read_sweep


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path_arguments(parser)


def run(args: argparse.Namespace) -> None:
    sweep = read_sweep(args.paths)
    warn_about(sweep.skipped)
    try:
        sys.stdout.write(to_csv(sweep.rows, trial_columns(sweep), sweep.axes))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
