"""trial.json describes the trial once, and every attempt at it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dqn_exp.runs.record import record_trial, run_trial
from dqn_exp.training.run import EpisodeEnded
from tests.helpers import make_config

BRIEF: dict[str, Any] = {"batch": 16, "budget__env_steps": 400, "evaluation__final_episodes": 1}


def described(directory: Path) -> Any:
    return json.loads((directory / "trial.json").read_text())


def test_each_attempt_is_told_with_what_it_ran_on(tmp_path: Path) -> None:
    config = make_config(**BRIEF, checkpoint__every_seconds=0)
    events = record_trial(config, tmp_path, {"host": "first", "versions": {"torch": "1"}})
    next(event for event in events if isinstance(event, EpisodeEnded))
    events.close()  # type: ignore[attr-defined]
    run_trial(config, tmp_path, {"host": "second", "versions": {"torch": "2"}})
    record = described(tmp_path)
    first, second = record["attempts"]
    assert (first["host"], first["from_env_step"]) == ("first", 0)
    assert (second["host"], second["versions"]) == ("second", {"torch": "2"})
    assert second["from_env_step"] > 0
    assert first["exact"]
    assert second["exact"]
    assert record["host"] == "first"  # beside the trial stands what it began on
    assert record["started"] == first["started"] <= second["started"]


def test_an_attempt_without_a_checkpoint_begins_again(tmp_path: Path) -> None:
    config = make_config(**BRIEF, checkpoint__every_seconds=1000)
    events = record_trial(config, tmp_path, {})
    next(event for event in events if isinstance(event, EpisodeEnded))
    events.close()  # type: ignore[attr-defined]
    run_trial(config, tmp_path, {})
    assert [attempt["from_env_step"] for attempt in described(tmp_path)["attempts"]] == [0, 0]


def test_the_attempt_that_a_record_of_format_1_tells_of_is_kept(tmp_path: Path) -> None:
    config = make_config(**BRIEF)
    old = {
        "format": 1,
        "config": {"agent": {}},
        "config_hash": "x",
        "seed": 0,
        "learner": "fused",
        "device": "cpu",
    }
    values = config.model_dump()
    del values["agent"]["name"]
    old |= {"config": values, "started": "2020-01-01T00:00:00+00:00", "host": "old", "command": "python ..."}
    (tmp_path / "trial.json").write_text(json.dumps(old))
    run_trial(config, tmp_path, {"host": "new"})
    first, second = described(tmp_path)["attempts"]
    assert first == {"started": "2020-01-01T00:00:00+00:00", "host": "old", "command": "python ..."}
    assert second["host"] == "new"


def test_what_is_written_down_is_no_part_of_the_trial(tmp_path: Path) -> None:
    """An interrupted trial may be continued with other checkpoints, samples of the loss and no report."""
    config = make_config(**BRIEF)
    watched = {"checkpoint__every_seconds": 5, "checkpoint__keep_best": "episode", "metrics__loss_every": 7}
    other = make_config(**BRIEF, **watched, report=False)
    assert config.hash() == other.hash()
    assert config.hash() != make_config(**BRIEF, gamma=0.5).hash()
    assert config.hash() != make_config(**BRIEF, evaluation__episodes=7).hash()
