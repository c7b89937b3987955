"""Record greedy episodes as mp4 files. Needs the optional package imageio-ffmpeg."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path

import numpy as np

from dqn_exp.config import Config, ConfigError, EnvConfig
from dqn_exp.envs import VectorEnvironment, make_environments, play_episodes
from dqn_exp.seeding import EpisodeSeeds, Streams

MISSING = "films need imageio-ffmpeg, which is not installed: pip install 'dqn_exp[video]'"


def check_video(config: Config) -> None:
    """Raise ConfigError if the configuration asks for videos of the training and they cannot be made."""
    if config.video.every_episodes is None:
        return
    try:
        filmed_environment(config.evaluation_env(), Streams(0).episodes("check")).close()
    except ConfigError as error:
        raise ConfigError(f"video.every_episodes={config.video.every_episodes}: {error}") from error


def filmed_environment(config: EnvConfig, seeds: EpisodeSeeds) -> VectorEnvironment:
    """The environment of `config`, ready to render; raises ConfigError if it cannot be recorded."""
    if importlib.util.find_spec("imageio_ffmpeg") is None:
        raise ConfigError(MISSING)
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # pygame must not need a display
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    env = make_environments(config, seeds, render_mode="rgb_array")
    if "rgb_array" not in env.render_modes:
        env.close()
        raise ConfigError(
            f"env.id={config.id} cannot be filmed; allowed: environments with render mode rgb_array"
        )
    return env


def film(
    env: VectorEnvironment, greedy: Callable[[np.ndarray], np.ndarray], episodes: int, returns: list[float]
) -> Iterator[np.ndarray]:
    """Yield the pictures uint8[height, width, 3] of greedy episodes; append their returns to `returns`.

    There is one picture of each state in which the agent acts, and one of the last state of each episode.
    """
    pictures: list[np.ndarray] = []

    def act(observations: np.ndarray) -> np.ndarray:
        pictures.append(env.render())
        return greedy(observations)

    for step in play_episodes(env, act, episodes):
        if step.ended:
            pictures.append(env.render())
            returns.extend(episode.total_return for episode in step.ended)
        yield from pictures
        pictures.clear()


def write_mp4(path: Path, frames: Iterable[np.ndarray], frames_per_second: float) -> int:
    """Write `frames` (at least one, all of the same size) to `path` as a video; returns their number.

    The format needs an even width and height, so an odd last row or column is left out.
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
