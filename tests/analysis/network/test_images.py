"""The commands for a trained network, for environments of images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.__main__ import main
from analysis.network.evidence import gather, look
from analysis.network.notebook import actions
from analysis.network.policy.scenes import picture
from analysis.network.rollouts import roll_out
from dqn_exp.images import ImageBox
from dqn_exp.runs.record import run_trial
from dqn_exp.trained import load_trained
from tests.helpers import make_config


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MinAtar's Breakout, trained for 200 steps."""
    directory = tmp_path_factory.mktemp("breakout")
    config = make_config(
        env="minatar", batch=16, train_every=4, budget__env_steps=200, evaluation__final_episodes=1
    )
    run_trial(config, directory, {})
    return directory


def test_there_are_figures_and_no_maps(trial: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", str(trial), "--episodes", "2", "--epsilon", "0"]) == 0
    assert sorted(path.name for path in (trial / "policy").glob("*.png")) == ["actions.png", "episode.png"]
    assert not (trial / "policy" / "index.html").exists()
    assert "images, which have no two dimensions to map" in capsys.readouterr().out


@pytest.mark.parametrize("option", [["--x", "1"], ["--at", "1=2"], ["--y-range", "0", "1"]])
def test_what_asks_for_a_map_is_refused(
    option: list[str], trial: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", str(trial), *option]) != 0
    said = capsys.readouterr().err.strip()
    assert said.startswith(f"error: {option[0]}: ")
    assert "allowed: none of --x" in said
    assert "\n" not in said


def test_its_units_are_channels_and_then_numbers(trial: Path) -> None:
    trained = load_trained(trial)
    visited = look(trained)
    assert [layer.shape[1] for layer in visited.hidden] == [16, 128]
    rows = roll_out(trained, 0.0, 5).observations
    assert rows.dtype == np.uint8
    assert trained.action_names == ("noop", "left", "right")
    first = visited.hidden[0][: len(rows)].max(axis=1)
    assert (first >= 0).all()
    assert first.any()
    assert gather(trial, best=False, imports=False).visited is not None
    assert main(["diagnose", str(trial)]) == 0


def test_a_notebook_s_counts_have_the_game_s_names_of_actions(trial: Path) -> None:
    counted = actions(trial, epsilon=(1.0,), episodes=1).csv
    assert all(name in counted for name in ("noop", "left", "right"))


def test_rewards_are_told_as_they_are_learned_from(tmp_path: Path) -> None:
    settings = {"batch": 16, "budget__env_steps": 100, "evaluation__final_episodes": 1}
    run_trial(make_config(env="mountaincar", agent__max_abs_reward=0.5, **settings), tmp_path, {})
    assert set(look(load_trained(tmp_path)).rewards) == {-0.5}


def test_the_film_is_large_enough_to_see(trial: Path) -> None:
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    assert main(["video", str(trial), "--steps", "5"]) == 0
    film = next(imageio_ffmpeg.read_frames(str(trial / "video.mp4")))
    assert film["size"] == (320, 320)
    assert film["fps"] == 10


def test_pictures() -> None:
    stack = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
    grey = picture(stack, ImageBox((1, 2, 2), 2, 7))
    np.testing.assert_allclose(grey[..., 0], [[4 / 7, 5 / 7], [6 / 7, 1]])
    colors = picture(np.eye(2, dtype=np.uint8)[np.newaxis].repeat(4, 0) * [[[1]], [[0]], [[1]], [[0]]],
                     ImageBox((4, 2, 2), 1, 1))  # fmt: skip
    assert (colors[0, 1] == 0).all()
    assert colors[0, 0].any()
    rgb = picture(np.full((3, 2, 2), 51, np.uint8), ImageBox((3, 2, 2), 1, 255))
    np.testing.assert_allclose(rgb, 0.2)
