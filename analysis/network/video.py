"""`python -m analysis video TRIAL`: an mp4 of greedy episodes."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import AnalysisError
from analysis.network.command_line import add_trial_arguments

if TYPE_CHECKING:
    import numpy as np

    from analysis.network.trained import Trained
    from dqn_exp.envs import Environment


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_trial_arguments(parser)
    parser.add_argument("--episodes", type=int, default=1, help="episodes in the film (default: 1)")
    parser.add_argument("--steps", type=int, default=1000, help="of an episode at most (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the environment (default: 0)")
    parser.add_argument("--output", type=Path, help="file to write (default: TRIAL/video.mp4)")


def run(arguments: argparse.Namespace) -> None:
    from analysis.network.trained import load_trained
    from dqn_exp.config import ConfigError
    from dqn_exp.training import filmed_environment, write_mp4

    for key in ("episodes", "steps"):
        if getattr(arguments, key) < 1:
            raise AnalysisError(f"--{key} {getattr(arguments, key)}; allowed: at least 1")
    path = arguments.output or arguments.trial / "video.mp4"
    if path.suffix != ".mp4":
        raise AnalysisError(f"--output {path}; allowed: a name that ends in .mp4")
    trained = load_trained(arguments.trial, arguments.best, arguments.imports)
    limited = trained.config.env.model_copy(update={"max_episode_steps": _limit(trained, arguments.steps)})
    returns: list[float] = []
    try:
        with closing(filmed_environment(limited, arguments.seed)) as env:
            frames = _episodes(env, trained, arguments.episodes, returns)
            count = write_mp4(path, frames, env.frames_per_second)
    except ConfigError as error:
        raise AnalysisError(str(error)) from error
    print(f"{path}: {count} pictures; returns {', '.join(f'{total:.6g}' for total in returns)}")


def _limit(trained: Trained, steps: int) -> int:
    """Steps of an episode: the trial's own limit, but no more than asked for."""
    own = trained.config.env.max_episode_steps
    return min(own, steps) if isinstance(own, int) else steps


def _episodes(
    env: Environment, trained: Trained, episodes: int, returns: list[float]
) -> Iterator[np.ndarray]:
    """The pictures of `episodes`, one after the other; what each earned is added to `returns`."""
    from dqn_exp.training import play

    for _ in range(episodes):
        total = 0.0
        for frame, total in play(env, trained.greedy):  # noqa: B007 - the last total is the return
            yield frame
        returns.append(total)
