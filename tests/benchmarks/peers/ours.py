"""A trial of this project with its usual records on disk; `learner` is fused, torch or auto."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from protocol import read_work, serve

from dqn_exp.config.schema import Config
from dqn_exp.runs.record import record_trial
from dqn_exp.training.run import EpisodeEnded
from tests.helpers import make_config


def configure(work: dict[str, Any]) -> Config:
    env = {"env": "gymnasium", "env__id": work["env_id"], "network__hidden": work.get("hidden")}
    return make_config(
        **work.get("settings", env),
        convergence__threshold=float("inf"),
        exploration="constant",
        exploration__epsilon=work["epsilon"],
        target="steps",
        update_every=work["target_every"],
        batch=work["batch_size"],
        buffer=work["buffer_size"],
        lr=work["lr"],
        gamma=work["gamma"],
        learner=work["learner"],
        train_every=work.get("train_every", 1),
        budget__env_steps=10**9,
    )


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as directory:
        events = record_trial(configure(read_work()), Path(directory), {})
        episodes: Iterator[EpisodeEnded] = (event for event in events if isinstance(event, EpisodeEnded))

        def advance(steps: int) -> int:
            done = 0
            while done < steps:
                done += next(episodes).length
            return done

        serve(advance)


if __name__ == "__main__":
    main()
