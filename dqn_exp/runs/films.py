"""Films during training: how the agent plays now, every so many episodes."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from dqn_exp.seeding import Streams
from dqn_exp.training import Trial, filmed_environment, play, write_mp4


class Films:
    """Consumes ended episodes; each film is a greedy episode in an environment of its own.

    That environment is made anew from the trial's seed and the episode's number, so filming neither
    changes what is learned nor has a state that a checkpoint must keep.
    """

    def __init__(self, trial: Trial, directory: Path) -> None:
        self._trial, self._directory = trial, directory / "videos"
        self._every = trial.config.video.every_episodes

    def episode_ended(self) -> None:
        episode = self._trial.clock.episodes
        if self._every is not None and episode % self._every == 0:
            self._film(episode)

    def _film(self, episode: int) -> None:
        self._directory.mkdir(exist_ok=True)
        seed = Streams(self._trial.config.seed).integer(f"film of episode {episode}")
        with closing(filmed_environment(self._trial.config.evaluation_env(), seed)) as env:
            frames = (frame for frame, _ in play(env, self._trial.greedy))
            write_mp4(self._directory / f"episode-{episode:06d}.mp4", frames, env.frames_per_second)
