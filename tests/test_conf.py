"""Every named configuration and every named sweep runs, briefly, in a real Hydra run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from dqn_exp.statuses import FINISHED
from tests.helpers import make_config
from tests.program import ROOT, run_here

EXPERIMENTS = sorted(path.stem for path in (ROOT / "conf" / "experiment").glob("*.yaml"))
SWEEPS = sorted(path.stem for path in (ROOT / "sweeps").glob("*.yaml"))
OPTIONS = sorted(
    f"{path.parent.relative_to(ROOT / 'conf')}={path.stem}"
    for path in (*(ROOT / "conf").glob("*/*.yaml"), *(ROOT / "conf" / "network").glob("*/*.yaml"))
    if path.parent.name != "experiment" and path.stem != "gymnasium"
)
BRIEF = (
    "budget.episodes=3",
    "budget.env_steps=600",
    "evaluation.every_episodes=null",
    "evaluation.every_steps=300",
    "evaluation.episodes=1",
    "evaluation.final_episodes=1",
    "evaluation.max_episode_steps=500",
    "agent.learning_starts=0",
    "report=false",
)

BRIEFER = {"atari": ("budget.env_steps=60", "evaluation.every_steps=30", "evaluation.max_episode_steps=30")}
"""Where a step takes longer."""
SEES_IMAGES = {"network=cnn": {"env": "minatar"}, "network=nature": {"env": "atari"}}
"""Options that need an environment of images."""


def statuses(place: Path) -> list[str]:
    return [json.loads(path.read_text())["status"] for path in place.rglob("result.json")]


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_experiment(experiment: str, tmp_path: Path) -> None:
    ended = run_here(f"experiment={experiment}", *BRIEF, *BRIEFER.get(experiment, ()), cwd=tmp_path)
    assert ended.code == 0, ended.said
    assert statuses(tmp_path)[0] in FINISHED


@pytest.mark.parametrize("sweep", SWEEPS)
def test_sweep(sweep: str, tmp_path: Path) -> None:
    """The first value of each axis, or a study of one configuration."""
    text = (ROOT / "sweeps" / f"{sweep}.yaml").read_text()
    if "override /hydra/sweeper: optuna" in text:
        arguments = ["hydra.sweeper.n_trials=1", "hydra.launcher.n_jobs=1"]
    else:
        params = yaml.safe_load(text)["hydra"]["sweeper"]["params"]
        arguments = ["hydra/launcher=basic", *first_values(params)]
    ended = run_here("-m", f"sweeps={sweep}", *BRIEF, *arguments, "seed=0", cwd=tmp_path)
    assert ended.code == 0, ended.said
    assert statuses(tmp_path)
    assert set(statuses(tmp_path)) <= set(FINISHED)


def first_values(params: dict[str, object]) -> list[str]:
    parser = OverridesParser.create()
    axes = [parser.parse_override(f"{axis}={values}") for axis, values in params.items() if axis != "seed"]
    return [
        f"{axis.key_or_group}={next(axis.sweep_string_iterator())}"
        if axis.is_sweep_override()
        else str(axis.input_line)
        for axis in axes
    ]


@pytest.mark.parametrize("choice", OPTIONS)
def test_option_of_a_group(choice: str) -> None:
    group, _, option = choice.partition("=")
    config = make_config(**{group: option}, **SEES_IMAGES.get(choice, {}))
    assert config.env.max_episode_steps is not None
