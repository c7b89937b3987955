"""Records of earlier versions are read with their meaning at that time."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from dqn_exp.config.errors import ConfigError
from dqn_exp.config.formats import FORMAT, check_format, recorded_config
from dqn_exp.runs.result import check_owner
from tests.helpers import make_config, make_values

FORMAT_1: list[dict[str, Any]] = json.loads((Path(__file__).parent / "records" / "format1.json").read_text())
"""As the version before format 2 wrote them: three replays with two targets, for 60 steps at batch=1."""


def asked_for(record: dict[str, Any]) -> dict[str, Any]:
    pairs = (override.split("=") for override in record["overrides"] if not override.startswith("seed"))
    common = {"batch": 1, "budget__env_steps": 60, "evaluation__final_episodes": 1, "report": False}
    plain = {key: make_values()[key] for key in ("buffer", "lr", "gamma", "train_every")}
    return {**plain, "evaluation__every_steps": 2000, **common, **dict(pairs)}


@pytest.mark.parametrize("record", FORMAT_1, ids=lambda record: record["overrides"][0])
def test_a_record_of_format_1_is_the_trial_of_the_same_command_today(
    record: dict[str, Any],
) -> None:
    """A replay and a target then had the options of all kinds of them; those of others meant nothing."""
    assert record["format"] == 1
    settings = asked_for(record)
    if settings["target"] == "soft":
        settings["update_every"] = 1
    config = make_config(**settings)
    assert recorded_config(record).hash() == config.hash()


def test_a_directory_of_format_1_belongs_to_its_trial(tmp_path: Path) -> None:
    record = FORMAT_1[0]
    (tmp_path / "trial.json").write_text(json.dumps(record))
    config = recorded_config(record)
    check_owner(config, tmp_path)
    with pytest.raises(ConfigError, match="holds a trial of another configuration"):
        check_owner(config.model_copy(update={"gamma": 0.5}), tmp_path)


def test_a_directory_belongs_to_its_trial_where_keys_have_been_added_since(tmp_path: Path) -> None:
    config = make_config()
    values = json.loads(json.dumps(config.record()))
    del values["env"]["action_masks"], values["evaluation"]["env"]
    record = {"format": FORMAT, "config": values, "config_hash": "as it was then"}
    (tmp_path / "trial.json").write_text(json.dumps(record))
    check_owner(config, tmp_path)
    with pytest.raises(ConfigError, match="holds a trial of another configuration"):
        check_owner(config.model_copy(update={"gamma": 0.5}), tmp_path)


def test_keys_that_were_added_since_leave_the_hash_of_a_record() -> None:
    """Otherwise this version would not find, and not go on with, what the version before it has begun."""
    record = json.loads((Path(__file__).parent / "records" / "format2.json").read_text())
    assert recorded_config(record).hash() == record["config_hash"]


def test_a_record_of_today_comes_back_as_it_was() -> None:
    config = make_config(replay="prioritised", buffer=700, target="soft", update_every=3)
    record = {"format": FORMAT, "config": json.loads(json.dumps(config.record()))}
    assert record["config"]["buffer"] == record["config"]["replay"]["capacity"] == 700
    assert recorded_config(record) == config


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        (FORMAT + 1, "was written by a newer version of dqn_exp"),
        (0, "is damaged"),
        ("2", "is damaged"),
        (None, "is damaged"),
    ],
)
def test_another_format_is_refused(found: object, cause: str) -> None:
    record = {**copy.deepcopy(FORMAT_1[0]), "format": found}
    with pytest.raises(ConfigError) as refused:
        check_format(record, "a.json")
    assert str(refused.value) == f"a.json {cause}: it has format {found!r}; allowed: formats 1, 2"


def test_other_files_have_other_formats() -> None:
    assert check_format({"format": 1}, "b.json", newest=1) == 1
    with pytest.raises(ConfigError, match=r"b.json .*newer version.* format 2; allowed: format 1$"):
        check_format({"format": 2}, "b.json", newest=1)
