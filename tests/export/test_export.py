"""The exported folder of a model can be used as its card describes, with and without dqn_exp."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import yaml
from stable_baselines3 import DQN

from dqn_exp.export import load_model
from dqn_exp.export.__main__ import main
from dqn_exp.runs.provenance import environment
from dqn_exp.runs.record import run_trial
from dqn_exp.text import format_number
from dqn_exp.trained import load_trained
from tests.helpers import make_config
from tests.trackers.trial import BRIEF

EPISODES = 3
STATES = np.random.default_rng(1).normal(size=(40, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("trial")
    learned = {**BRIEF, "budget__env_steps": 1500, "lr": 3e-3, "checkpoint__every_seconds": 60}
    run_trial(make_config(**learned, seed=1, network__hidden=[16, 8]), directory, environment())
    return directory


@pytest.fixture(scope="module")
def model(trial: Path) -> Path:
    assert main([str(trial), "--episodes", str(EPISODES)]) == 0
    return trial / "model"


def returns(model: Path) -> list[float]:
    told: dict[str, Any] = json.loads((model / "evaluation.json").read_text())
    assert told["episodes"] == len(told["returns"]) == EPISODES
    return list(told["returns"])


def test_the_card_says_what_the_folder_holds(model: Path) -> None:
    _, front, text = (model / "README.md").read_text().split("---\n", 2)
    told = yaml.safe_load(front)
    (result,) = told["model-index"][0]["results"]
    (metric,) = result["metrics"]
    played = returns(model)
    assert metric["value"] == f"{np.mean(played):.2f} +/- {np.std(played):.2f}"
    assert result["dataset"] == {"name": "CartPole-v1", "type": "CartPole-v1"}
    assert {"onnx", "stable-baselines3", "CartPole-v1"} <= set(told["tags"])
    assert f"{format_number(1500)} environment steps" in text
    linked = set(re.findall(r"\]\((\S+)\)", text))
    assert linked <= {path.name for path in model.iterdir()}
    assert linked >= {"learning_curve.png"}


def test_nothing_tells_where_it_was_trained(model: Path, trial: Path) -> None:
    config = json.loads((model / "config.json").read_text())
    assert not {"host", "command", "attempts", "cpu"} & config.keys()
    assert config["config"]["network"]["hidden"] == [16, 8]
    for name in ("README.md", "config.json", "evaluation.json"):
        assert str(trial) not in (model / name).read_text()


def test_the_card_s_lines_play_where_there_is_no_dqn_exp(model: Path) -> None:
    """All that the card shows but for stable-baselines3 and dqn_exp itself, in another process."""
    blocks = re.findall(r"```python\n(.*?)```", (model / "README.md").read_text(), re.DOTALL)
    shown = [block for block in blocks if "session" in block or "safetensors" in block]
    assert len(shown) == 2
    hidden = "import sys\nfor name in ('dqn_exp', 'analysis'): sys.modules[name] = None\n"
    code = hidden + "import json, numpy\nfound = []\n"
    code += f"for observation in numpy.array({STATES.tolist()}):\n"
    for block in shown:
        code += "".join(f"    {line}\n" for line in block.splitlines()) + "    found.append(int(action))\n"
    code += "print(json.dumps(found))"
    done = subprocess.run([sys.executable, "-c", code], cwd=model, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ours = load_model(model).greedy(STATES)
    assert json.loads(done.stdout) == [int(action) for action in ours for _ in shown]
    assert 0 < ours.sum() < len(STATES)  # both actions occur


def test_it_is_the_network_of_the_trial(model: Path, trial: Path) -> None:
    there, here = load_trained(trial), load_model(model)
    np.testing.assert_array_equal(here.values(STATES), there.values(STATES))


def test_stable_baselines3_plays_it_to_the_same_returns(model: Path) -> None:
    other, played = DQN.load(model / "sb3.zip"), []
    env = gymnasium.make("CartPole-v1")
    for episode in range(EPISODES):
        observation, _ = env.reset(seed=1000 + episode)
        total, over = 0.0, False
        while not over:
            action, _ = other.predict(observation, deterministic=True)
            observation, reward, terminated, truncated, _ = env.step(action)
            total, over = total + float(reward), terminated or truncated
        played.append(total)
    assert played == returns(model)


def test_what_a_format_cannot_hold_is_told_or_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"network/head": "c51", "network__head__atoms": 5, "learner": "torch"}
    run_trial(make_config(**BRIEF, **settings), tmp_path / "trial", environment())
    arguments = [str(tmp_path / "trial"), "--episodes", "1", "--to", str(tmp_path / "model")]
    assert main([*arguments, "--formats", "sb3"]) == 2
    reason = "stable-baselines3's DQN does not support network.head=c51"
    assert f"error: --formats sb3: {reason}" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["trial"]
    assert main([*arguments, "--formats", "onnx"]) == 0
    assert f"no sb3.zip: {reason}" in capsys.readouterr().out
    assert f"- No `sb3.zip`: {reason}." in (tmp_path / "model" / "README.md").read_text()
    assert not (tmp_path / "model" / "sb3.zip").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ((), "the folder is not empty"),
        (("--formats", "onxx"), "--formats onxx; allowed: onnx, sb3"),
        (("--episodes", "0"), "--episodes 0; allowed: at least 1"),
    ],
)
def test_bad_input_is_refused(
    more: tuple[str, ...], message: str, model: Path, trial: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in model.iterdir()}
    assert main([str(trial), *more]) == 2
    assert message in capsys.readouterr().err
    assert {path: path.read_bytes() for path in model.iterdir()} == before


def test_a_folder_that_holds_no_trial_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert f"{tmp_path} holds no trial" in capsys.readouterr().err
