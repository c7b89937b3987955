"""A short trial that trackers follow, and one that was never run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dqn_exp.config import Config
from dqn_exp.runs import tracking as following
from dqn_exp.runs.record import record_trial, run_trial
from dqn_exp.trackers import TrackedTrial
from dqn_exp.training.run import EpisodeEnded
from tests.helpers import make_config

BRIEF: dict[str, Any] = {
    "batch": 16,
    "budget__env_steps": 250,
    "evaluation__every_steps": 50,
    "evaluation__episodes": 1,
    "evaluation__final_episodes": 1,
    "metrics__loss_every": 20,
    "checkpoint__every_seconds": 0,
}


def cut_short(config: Config, directory: Path) -> None:
    """Train the trial for a few episodes, and leave it interrupted."""
    events, episodes = record_trial(config, directory, {}), 0
    for event in events:
        episodes += isinstance(event, EpisodeEnded)
        if episodes > 4:
            break
    events.close()  # type: ignore[attr-defined]


def follow_in_two_attempts(directory: Path, tracking: Mapping[str, Any]) -> None:
    """Train a trial, cut short and continued, with the trackers whose options are in `tracking`."""
    config = make_config(**BRIEF, seed=3, track=list(tracking), tracking=dict(tracking))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(following, "PATIENCE", {True: 60.0, False: 60.0})
        cut_short(config, directory)
        run_trial(config, directory, {})


def trial_of(id: str, directory: Path) -> TrackedTrial:
    return TrackedTrial(id, "sweep", "buffer=17k", 3, directory, {"lr": 0.1, "env.id": "CartPole-v1"})
