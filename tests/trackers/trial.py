"""A short trial for trackers to follow, and one that was never run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dqn_exp.config import Config
from dqn_exp.runs.record import record_trial
from dqn_exp.trackers import Trial
from dqn_exp.training.run import EpisodeEnded

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


def trial_of(id: str, directory: Path) -> Trial:
    return Trial(id, "sweep", "buffer=17k", 3, directory, {"lr": 0.1, "env.id": "CartPole-v1"})
