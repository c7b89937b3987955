"""Reading the plan of a sweep."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.records.disk import Skipped, Value, read_trials
from analysis.records.pairs import combined
from analysis.records.plan import Planned, Schedule, planned_config, planned_looks, read_plan
from tests.analysis.synthetic import write_trial


def test_a_plan_knows_what_its_trials_differ_in(tmp_path: Path) -> None:
    content = {
        "command": "python -m dqn_exp -m",
        "trials": [
            {"name": "a", "overrides": ["env=cartpole", "+agent.options.x=1", "seed=0"]},
            {"name": "b", "overrides": ["env=cartpole", "+agent.options.x=a=b", "seed=0"]},
        ],
        "defaults": {"agent": {"loss": "mse"}},
    }
    (tmp_path / "sweep.json").write_text(json.dumps(content))
    plan = read_plan(tmp_path, [])
    assert plan.trials == [Planned("a", {"agent.options.x": "1"}), Planned("b", {"agent.options.x": "a=b"})]
    assert plan.defaults["agent.loss"] == "mse"
    assert plan.command == "python -m dqn_exp -m"


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_plan_that_is_none_plans_nothing(tmp_path: Path, text: str) -> None:
    skipped: list[Skipped] = []
    assert read_plan(tmp_path, skipped).trials == []
    assert skipped == []
    (tmp_path / "sweep.json").write_text(text)
    assert read_plan(tmp_path, skipped).trials == []
    assert [entry.run for entry in skipped] == ["sweep.json"]


@pytest.mark.parametrize(
    ("text", "like", "value"),
    [
        ("17k", 500, 17_000), ("0.5", 1, 0.5), ("1e-3", 0.1, 1e-3), ("10", None, 10.0), ("null", 10, None),
        ("true", False, True), ("[64,64]", "128", "64-64"), ("adam", "sgd", "adam"), ("1", True, 1),
    ],
)  # fmt: skip
def test_values_read_as_in_records(text: str, like: Value, value: Value) -> None:
    config = planned_config([{"key": like, "other": 1}], Planned("a", {"key": text}))
    assert config == {"key": value, "other": 1}


def test_both_names_of_a_value_are_told() -> None:
    like = {"lr": 0.1, "optimizer.lr": 0.1, "seed": 0}
    expected = {"lr": 0.2, "optimizer.lr": 0.2, "seed": 0}
    assert planned_config([like], Planned("a", {"lr": "0.2"})) == expected
    assert planned_config([like], Planned("a", {"optimizer.lr": "0.2"})) == expected


def test_a_trial_is_as_those_that_differ_in_the_seed_alone() -> None:
    """Also in values that follow from others."""
    others = [{"batch": batch, "agent.learning_starts": batch, "seed": 0} for batch in (20, 64)]
    planned = Planned("a", {"batch": "64", "seed": "3"})
    assert planned_config(others, planned) == {"batch": 64, "agent.learning_starts": 64, "seed": 3}


def test_what_went_together_is_planned_and_a_default_together(tmp_path: Path) -> None:
    pairs = [["buffer", "batch"]]
    like = combined({"buffer": 500, "batch": 20}, pairs)
    config = planned_config([like], Planned("a", {"buffer": "17k", "batch": "128"}))
    assert config == combined({"buffer": 17_000, "batch": 128}, pairs)
    content = {"defaults": {"buffer": 500, "batch": 20}, "zip": pairs}
    (tmp_path / "sweep.json").write_text(json.dumps(content))
    assert like.items() <= read_plan(tmp_path, []).defaults.items()


def test_a_plan_of_an_earlier_version_has_the_values_of_keys_that_came_later(tmp_path: Path) -> None:
    """So have its trials: the sweep has varied nothing by not knowing such a key."""
    write_trial(tmp_path / "lr=0.1", {"network": {"hidden": [64]}}, time=2000)
    content = {"defaults": {"network": {"hidden": [64], "noisy": True}}}
    (tmp_path / "sweep.json").write_text(json.dumps(content))
    (trial,), defaults = read_trials(tmp_path, []), read_plan(tmp_path, []).defaults
    assert {key for key in trial.config.keys() & defaults if trial.config[key] != defaults[key]} == {
        "network.noisy"
    }
    assert defaults["network.dueling"] is trial.config["network.dueling"] is False
    assert defaults["network.head.name"] == trial.config["network.head.name"] == "values"


def test_of_a_plan_without_defaults_nothing_is_guessed(tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text(json.dumps({"defaults": None}))
    assert read_plan(tmp_path, []).defaults == {}


def test_a_part_that_was_chosen_is_not_guessed() -> None:
    assert planned_config([{"env.id": "CartPole-v1"}], Planned("a", {"env": "lunarlander"})) is None
    assert planned_config([], Planned("a", {})) is None


def test_looks_are_those_that_were_declared_last() -> None:
    """What was declared before the first look, and then otherwise, counts for nothing."""
    seeds = {"first": 3, "looks": [8, 12, 20], "margin": [0.8, 1.25], "alpha": 0.05}
    designs = [
        {"declared": "1", "taken": 0, "looks": [6], "reserve": 0.5},
        {"declared": "2", "taken": 0, "looks": [8, 12], "reserve": 0.2},
        {"declared": "3", "taken": 2, "looks": [8, 12, 20], "reserve": 0.0},
    ]
    planned = planned_looks({"seeds": seeds, "designs": designs, "started": "0"})
    assert planned is not None
    assert (planned.looks, planned.seeds, planned.margin) == ((8, 12, 20), range(3, 23), (0.8, 1.25))
    assert planned.schedules == [Schedule((8, 12), 0.2, 0, "2"), Schedule((8, 12, 20), 0.0, 2, "3")]
    before = planned_looks({"seeds": seeds, "started": "0"})
    assert before is not None
    assert before.schedules == [Schedule((8, 12, 20), 0.0, 0, "0")]
    assert planned_looks({"started": "0"}) is None
