"""`python -m dqn_exp.export TRIAL`: the trained network of a trial as a folder that others can use."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.network.command_line import add_trial_arguments
from dqn_exp.config import ConfigError
from dqn_exp.export.formats import FORMATS, NotExportable
from dqn_exp.platforms import refuse_windows


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the folder of a model; returns the exit status."""
    refuse_windows()
    given = _parser().parse_args(arguments)
    try:
        _run(given)
    except (ConfigError, NotExportable, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m dqn_exp.export", description=__doc__)
    add_trial_arguments(parser)
    parser.add_argument("--to", type=Path, help="folder to write (default: TRIAL/model)")
    parser.add_argument(
        "--formats",
        type=lambda text: text.split(","),
        default=[],
        metavar="FORMAT,...",
        help=f"formats that must be written: {', '.join(FORMATS)} (default: those that are possible)",
    )
    parser.add_argument(
        "--episodes", type=int, default=20, help="greedy episodes of the evaluation (default: 20)"
    )
    parser.add_argument(
        "--seed", type=int, default=1000, help="seed of the first of these episodes (default: 1000)"
    )
    return parser


def _run(given: argparse.Namespace) -> None:
    from dqn_exp.export.folder import export

    if given.episodes < 1:
        raise ConfigError(f"--episodes {given.episodes}; allowed: at least 1")
    for name in given.formats:
        if name not in FORMATS:
            raise ConfigError(f"--formats {name}; allowed: {', '.join(FORMATS)}")
    folder = given.to or given.trial / "model"
    evaluation, contents = export(
        given.trial, folder, given.formats, given.episodes, given.seed, given.best, given.imports
    )
    score = evaluation.score
    print(f"{folder}: {score.mean:.2f} +/- {score.std:.2f} in {given.episodes} greedy episodes")
    print(f"  {' '.join(contents.files)}")
    for name, reason in contents.left_out.items():
        print(f"  no {name}: {reason}")


if __name__ == "__main__":
    sys.exit(main())
