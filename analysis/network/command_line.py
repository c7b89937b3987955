"""Command-line arguments shared by all commands that play a trained network."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_trial_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("trial", type=Path, metavar="TRIAL", help="directory of a trial")
    parser.add_argument("--best", action="store_true", help="use the best network so far, not the last one")
    parser.add_argument(
        "--imports", action="store_true", help="run the modules that the trial names in `imports`"
    )
