"""Actions whose numbers do not begin at 0, and masks, in all commands that play a trained network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.__main__ import main
from analysis.network.checks import one_action
from analysis.network.evidence import gather
from analysis.network.policy.maps import evaluate_view, make_view
from analysis.network.rollouts import roll_out
from dqn_exp.runs.record import run_trial
from dqn_exp.trained import load_trained
from tests.envs.masks import ID
from tests.helpers import make_config


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of six rooms with doors 4, 5 and 6, some of them locked."""
    directory = tmp_path_factory.mktemp("doors")
    config = make_config(
        env="gymnasium",
        env__id=ID,
        convergence__threshold=9,
        budget__env_steps=300,
        batch=16,
        network__hidden=[8],
        evaluation__env={"kwargs": {"pays": 2.0}},
    )
    run_trial(config, directory, {})
    return directory


def test_maps_and_pages_show_observations_without_masks_and_the_environment_s_numbers(trial: Path) -> None:
    trained = load_trained(trial)
    view = make_view(trained, roll_out(trained, 0.0, 2))
    assert view.names.actions == ("action 4", "action 5", "action 6")
    assert len(view.names.dimensions) == 6
    maps = evaluate_view(trained, view, 5)
    assert maps.values.shape == (5, 5, 3)
    assert np.isfinite(maps.values).all()
    assert main(["policy", str(trial), "--points", "5", "--episodes", "2"]) == 0
    assert '"action 6"' in (trial / "policy" / "index.html").read_text()


def test_diagnose_names_actions_as_the_environment_does(trial: Path) -> None:
    finding = one_action(gather(trial, best=False, imports=False))
    assert finding is not None
    assert finding.evidence.split()[:2] in (["action", "5"], ["action", "6"])


def test_a_film_takes_allowed_actions_in_the_environment_of_evaluation(
    trial: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["video", str(trial)]) == 0
    earned = float(capsys.readouterr().out.split("returns ")[1])
    assert (trial / "video.mp4").stat().st_size > 0
    assert earned == roll_out(load_trained(trial), 0.0, 1).returns[0]
    assert earned % 2 == 0  # every door pays twice there
