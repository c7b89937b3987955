"""A finished trial that continues to a larger budget equals one that had this budget from the start."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from dqn_exp.config.errors import ConfigError
from dqn_exp.config.schema import Config
from dqn_exp.runs.files import FINAL
from dqn_exp.runs.record import record_trial, run_trial
from dqn_exp.runs.result import Result, read_result
from tests.helpers import gymnasium_env
from tests.program import TINY, records, run_here
from tests.runs.test_record import in_another_process, short

KEPT: dict[str, Any] = {"checkpoint__keep_final": True, "checkpoint__every_seconds": 1e9}
BY_EPISODES = {"budget__env_steps": None, "budget__episodes": 30}
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "in the middle of an episode": ({}, {"budget__env_steps": 333}, {"budget__env_steps": 700}),
    "at an evaluation": ({}, {"budget__env_steps": 300}, {"budget__env_steps": 700}),
    "by episodes": (BY_EPISODES, {"budget__episodes": 11}, {"budget__episodes": 30}),
    "without the limit": ({}, {"budget__episodes": 11}, {}),
    "all of a learner's state": (
        {"replay": "prioritised", "replay__n_step": 3, "optimizer": "rmsprop", "train_every": 3},
        {"budget__env_steps": 334},
        {"budget__env_steps": 700},
    ),
    "that may stop": (
        {"convergence__threshold": 1, "convergence__stop": True, "checkpoint__keep_best": "evaluation"},
        {"budget__env_steps": 400},  # two of the three evaluations that it takes
        {"budget__env_steps": 900},
    ),
    "without a time limit": (
        {**gymnasium_env("probe/Cycle-v0"), "evaluation__max_episode_steps": 20},
        {"budget__env_steps": 250},
        {"budget__env_steps": 400},
    ),
}


def content(result: Result | None) -> dict[str, Any]:
    """What does not depend on the clock on the wall."""
    timed = ("wall_seconds", "env_steps_per_second", "ended")
    return {key: value for key, value in vars(result).items() if key not in timed}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_trial_that_had_the_larger_budget_all_along(kind: str, tmp_path: Path) -> None:
    settings, small, large = KINDS[kind]
    whole, lengthened = tmp_path / "whole", tmp_path / "lengthened"
    run_trial(short(**{**settings, **large}), whole, {})
    first = run_trial(short(**KEPT, **{**settings, **small}), lengthened, {})
    assert first.env_steps < read_result(whole).env_steps  # type: ignore[union-attr]
    result = run_trial(short(**{**settings, **large}), lengthened, {})
    assert records(lengthened) == records(whole)
    assert content(result) == content(read_result(whole))
    assert {path.name for path in lengthened.iterdir()} == {path.name for path in whole.iterdir()}
    record, expected = (json.loads((d / "trial.json").read_text()) for d in (lengthened, whole))
    assert record["config_hash"] == expected["config_hash"]
    assert [attempt["from_env_step"] for attempt in record["attempts"]] == [0, first.env_steps]


def test_again_and_again_also_when_it_is_killed_meanwhile(tmp_path: Path) -> None:
    whole, lengthened = tmp_path / "whole", tmp_path / "lengthened"
    run_trial(short(**KEPT), whole, {})
    for steps in (150, 320):
        run_trial(short(**KEPT, budget__env_steps=steps), lengthened, {})
    assert in_another_process(short(**KEPT), lengthened, die_at=3) == -signal.SIGKILL
    run_trial(short(**KEPT), lengthened, {})
    assert records(lengthened) == records(whole)
    starts = [a["from_env_step"] for a in json.loads((lengthened / "trial.json").read_text())["attempts"]]
    assert starts == [0, 150, 320, 320]
    assert (lengthened / FINAL).exists()


def test_one_that_was_cut_short_needs_no_final_state(tmp_path: Path) -> None:
    events = record_trial(short(budget__env_steps=500), tmp_path / "cut", {})
    for _ in range(20):
        next(events)
    events.close()  # type: ignore[attr-defined]
    run_trial(short(), tmp_path / "cut", {})
    run_trial(short(), tmp_path / "whole", {})
    assert records(tmp_path / "cut") == records(tmp_path / "whole")


@pytest.mark.parametrize(
    "settings",
    [
        {"lr": 1e9, "optimizer": "sgd"},
        {"convergence__threshold": 1, "convergence__stop": True},
    ],
)
def test_one_that_ended_by_itself_has_the_larger_budget_without_more_ado(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    run_trial(short(**settings), tmp_path, {})
    before = records(tmp_path), read_result(tmp_path)
    longer = short(**{**settings, "budget__env_steps": 9000})
    assert list(record_trial(longer, tmp_path, {})) == []
    assert (records(tmp_path), read_result(tmp_path)) == before
    record = json.loads((tmp_path / "trial.json").read_text())
    assert (record["config_hash"], record["config"]["budget"]["env_steps"]) == (longer.hash(), 9000)


def test_the_same_command_lengthens_a_sweep(tmp_path: Path) -> None:
    """In the same directory; without the final states it says so before anything is written."""
    place = tmp_path / "place"
    place.mkdir()
    command = ("-m", *TINY[1:], "seed=0,1", "hydra.sweep.dir=s")
    assert run_here(*command, "budget.env_steps=150", "checkpoint.keep_final=true", cwd=place).code == 0
    ended = run_here(*command, "budget.env_steps=250", cwd=place)
    assert ended.code == 0, ended.said
    run_here(*command[:-1], "budget.env_steps=250", "hydra.sweep.dir=whole", cwd=place)
    for seed in (0, 1):
        assert records(place / "s" / f"seed={seed}") == records(place / "whole" / f"seed={seed}")
    manifest = json.loads((place / "s" / "sweep.json").read_text())
    assert [trial["name"] for trial in manifest["trials"]] == ["seed=0", "seed=1"]
    ended = run_here(*command, "budget.env_steps=350", cwd=place)
    assert (ended.code, ended.out) == (2, "")
    assert "checkpoint.keep_final=true" in ended.err


def refused(config: Config, directory: Path) -> str:
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    with pytest.raises(ConfigError) as caught:
        run_trial(config, directory, {})
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before
    return str(caught.value)


def test_what_cannot_be_lengthened_is_refused_and_left_alone(tmp_path: Path) -> None:
    run_trial(short(), tmp_path, {})
    message = refused(short(budget__env_steps=900), tmp_path)
    assert "holds this trial at the end of a smaller budget, without final.safetensors" in message
    assert "checkpoint.keep_final=true" in message
    for other in ({"budget__env_steps": 600}, {"budget__env_steps": 900, "gamma": 0.5}):
        assert "already holds a trial of another configuration." in refused(short(**other), tmp_path)
    limited = {"budget__episodes": 5, "budget__env_steps": 900}
    assert "already holds a trial of another configuration." in refused(short(**limited), tmp_path)


def test_greedy_episodes_whose_length_follows_the_budget_cannot_be_lengthened(tmp_path: Path) -> None:
    endless = {**gymnasium_env("probe/Cycle-v0"), **KEPT, "evaluation__every_steps": None}
    run_trial(short(**endless, budget__env_steps=50), tmp_path, {})
    assert "evaluation.max_episode_steps" in refused(short(**endless, budget__env_steps=90), tmp_path)


def test_a_trial_that_stopped_stays_so_when_its_process_was_killed_at_the_end(tmp_path: Path) -> None:
    """After its last checkpoint, and before its end was written."""
    config = short(convergence__threshold=1, convergence__stop=True)
    events = sum(1 for _ in record_trial(config, tmp_path / "whole", {}))
    assert in_another_process(config, tmp_path / "killed", die_at=events - 1) == -signal.SIGKILL
    run_trial(config, tmp_path / "killed", {})
    assert records(tmp_path / "killed") == records(tmp_path / "whole")
