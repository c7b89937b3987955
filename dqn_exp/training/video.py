"""Films of greedy episodes, as mp4 files. Needs the optional package imageio-ffmpeg."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path

import numpy as np

from dqn_exp.config import Config, ConfigError, EnvConfig
from dqn_exp.envs import Environment, make_environment

MISSING = "films need imageio-ffmpeg, which is not installed: pip install 'dqn_exp[video]'"


def check_video(config: Config) -> None:
    """Raise ConfigError where training is to be filmed and cannot be."""
    if config.video.every_episodes is None:
        return
    try:
        filmed_environment(config.env, seed=0).close()
    except ConfigError as error:
        raise ConfigError(f"video.every_episodes={config.video.every_episodes}: {error}") from error


def filmed_environment(config: EnvConfig, seed: int) -> Environment:
    """The environment of `config`, ready to render; raises ConfigError where it cannot be filmed."""
    if importlib.util.find_spec("imageio_ffmpeg") is None:
        raise ConfigError(MISSING)
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # pygame shall not ask for a display
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    env = make_environment(config, seed, render_mode="rgb_array")
    if "rgb_array" not in env.render_modes:
        env.close()
        raise ConfigError(f"env.id={config.id} draws no pictures; allowed: environments with rgb_array")
    return env


def play(env: Environment, greedy: Callable[[np.ndarray], int]) -> Iterator[tuple[np.ndarray, float]]:
    """One greedy episode: the picture uint8[height, width, 3] of each state, and the return up to it."""
    observation, ended, total = env.reset(), False, 0.0
    yield env.render(), total
    while not ended:
        observation, reward, terminated, truncated = env.step(greedy(observation))
        total += reward
        ended = terminated or truncated
        yield env.render(), total


def write_mp4(path: Path, frames: Iterable[np.ndarray], frames_per_second: float) -> int:
    """Replace `path` by a film of `frames`, at least one, all of one size; returns their number.

    An odd row or column at the border is left out: the format wants even sizes.
    """
    from imageio_ffmpeg import write_frames

    frames = iter(frames)
    first = next(frames)
    height, width = first.shape[0] // 2 * 2, first.shape[1] // 2 * 2
    temporary = path.with_name(f".{path.stem}.part.mp4")
    writer = write_frames(
        str(temporary), (width, height), fps=frames_per_second, macro_block_size=2, ffmpeg_log_level="error"
    )
    count = 0
    try:
        with closing(writer):
            writer.send(None)
            for frame in chain([first], frames):
                writer.send(np.ascontiguousarray(frame[:height, :width]))
                count += 1
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return count
