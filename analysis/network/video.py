"""`python -m analysis video TRIAL`: an mp4 of greedy episodes."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.network.command_line import add_trial_arguments
from dqn_exp.text import format_number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_trial_arguments(parser)
    parser.add_argument(
        "--episodes", type=int, default=1, help="number of episodes in the video (default: 1)"
    )
    parser.add_argument("--steps", type=int, default=1000, help="most steps per episode (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the environment (default: 0)")
    parser.add_argument("--output", type=Path, help="file to write (default: TRIAL/video.mp4)")


def run(arguments: argparse.Namespace) -> None:
    from dqn_exp.trained import load_trained
    from dqn_exp.training import film, filmed_environment, write_mp4

    for key in ("episodes", "steps"):
        if getattr(arguments, key) < 1:
            raise AnalysisError(f"--{key} {getattr(arguments, key)}; allowed: at least 1")
    path = arguments.output or arguments.trial / "video.mp4"
    if path.suffix != ".mp4":
        raise AnalysisError(f"--output {path}; allowed: a name that ends in .mp4")
    trained = load_trained(arguments.trial, arguments.best, arguments.imports)
    limited = trained.evaluation_env(arguments.steps)
    returns: list[float] = []
    with closing(filmed_environment(limited, lambda _, episode: arguments.seed + episode)) as env:
        env.use_statistics(trained.statistics)
        pictures = film(env, trained.greedy, arguments.episodes, returns)
        count = write_mp4(path, pictures, env.frames_per_second)
    print(f"{path}: {count} pictures; returns {', '.join(map(format_number, returns))}")
