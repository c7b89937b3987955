"""Films: of a trained network, and during training."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from analysis.__main__ import main
from dqn_exp.config.errors import ConfigError
from dqn_exp.config.schema import EnvConfig
from dqn_exp.runs.record import run_trial
from dqn_exp.training.video import film, filmed_environment, write_mp4
from tests.helpers import gymnasium_env, make_config

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
SHORT = {"batch": 32, "budget__env_steps": 300, "evaluation__final_episodes": 1}


def frames(path: Path) -> tuple[int, int, list[np.ndarray]]:
    """Width, height and pictures uint8[height, width, 3] of a film, as ffmpeg reads it."""
    reader = imageio_ffmpeg.read_frames(str(path))
    width, height = next(reader)["size"]
    return width, height, [np.frombuffer(f, np.uint8).reshape(height, width, 3) for f in reader]


@pytest.mark.parametrize("name", ["cartpole", "mountaincar", "acrobot", "lunarlander"])
def test_a_film_shows_every_state_of_an_episode(name: str, tmp_path: Path) -> None:
    run_trial(make_config(env=name, **SHORT), tmp_path, {})
    assert main(["video", str(tmp_path), "--steps", "15", "--episodes", "2"]) == 0
    width, height, pictures = frames(tmp_path / "video.mp4")
    assert width % 2 == height % 2 == 0
    assert 2 * (8 + 1) <= len(pictures) <= 2 * (15 + 1)  # the first state of each, and one per step
    assert (pictures[0] != pictures[10]).any()
    assert not list(tmp_path.glob(".*.mp4"))


def test_odd_pictures_lose_a_border_line_and_no_more(tmp_path: Path) -> None:
    pictures = [np.full((33, 47, 3), shade, np.uint8) for shade in (0, 120, 240)]
    assert write_mp4(tmp_path / "odd.mp4", pictures, 10) == 3
    width, height, back = frames(tmp_path / "odd.mp4")
    assert (width, height, len(back)) == (46, 32, 3)
    assert [picture.mean() for picture in back] == pytest.approx([0, 120, 240], abs=6)


def test_a_film_that_breaks_off_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"old")

    def broken() -> Any:
        yield np.zeros((32, 32, 3), np.uint8)
        raise RuntimeError("the environment fell over")

    with pytest.raises(RuntimeError, match="fell over"):
        write_mp4(path, broken(), 10)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["film.mp4"]


def test_training_is_filmed_every_so_many_episodes_and_not_changed(tmp_path: Path) -> None:
    for name, every in (("filmed", 5), ("plain", None)):
        config = make_config(video__every_episodes=every, evaluation__max_episode_steps=10, **SHORT)
        run_trial(config, tmp_path / name, {})
    filmed, plain = ((tmp_path / name / "episodes.csv").read_text() for name in ("filmed", "plain"))
    assert filmed == plain
    episodes = len(plain.splitlines()) - 1
    names = [path.name for path in sorted((tmp_path / "filmed" / "videos").iterdir())]
    assert names == [f"episode-{episode:06d}.mp4" for episode in range(5, episodes + 1, 5)]
    assert len(frames(tmp_path / "filmed" / "videos" / names[0])[2]) <= 11
    assert not (tmp_path / "plain" / "videos").exists()


def test_of_episodes_that_end_at_once_each_is_filmed_whose_number_is_due(tmp_path: Path) -> None:
    copies = {"env__parallel": 3, "env__max_episode_steps": 8, "budget__env_steps": 100, "batch": 32}
    run_trial(make_config(video__every_episodes=2, evaluation__final_episodes=1, **copies), tmp_path, {})
    episodes = len((tmp_path / "episodes.csv").read_text().splitlines()) - 1
    names = sorted(path.name for path in (tmp_path / "videos").iterdir())
    assert names == [f"episode-{episode:06d}.mp4" for episode in range(2, episodes + 1, 2)]
    assert len(names) > 4


def test_a_film_shows_each_state_of_each_episode() -> None:
    config = EnvConfig(id="CartPole-v1", max_episode_steps=5)
    env, returns = filmed_environment(config, lambda environment, episode: episode), []
    shown = list(film(env, lambda rows: (rows[:, 2] > 0).astype(np.int64), 2, returns))
    assert returns == [5, 5]
    assert len(shown) == 2 * (5 + 1)  # also what the last action led to
    assert shown[0].shape == (400, 600, 3)
    assert (shown[5] != shown[0]).any()
    assert (shown[6] != shown[5]).any()  # the second episode begins elsewhere


def test_without_the_encoder_filming_is_refused_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if "imageio" in name else found(name))
    with pytest.raises(ConfigError, match=r"video.every_episodes=5.*pip install 'dqn_exp\[video\]'"):
        make_config(video__every_episodes=5)


class Unseen(gymnasium.Env[np.ndarray, int]):
    """Draws no pictures."""

    observation_space = gymnasium.spaces.Box(-1, 1, (2,))
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        return np.zeros(2, np.float32), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        return np.zeros(2, np.float32), 0.0, True, False, {}


def test_an_environment_without_pictures_cannot_be_filmed() -> None:
    gymnasium.register("Unseen-v0", Unseen)
    with pytest.raises(ConfigError, match=r"Unseen-v0.*rgb_array"):
        make_config(video__every_episodes=5, **gymnasium_env("Unseen-v0"))
