"""Command-line arguments shared by all commands that read trials."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_path_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", type=Path, nargs="+", metavar="SWEEP_DIR",
        help="a sweep, a trial, or any folder that holds trials; several are read as one sweep",
    )  # fmt: skip
