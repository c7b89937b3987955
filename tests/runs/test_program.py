"""Was a recorded trial trained by the same program as this one?"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from dqn_exp.runs.code import parts
from dqn_exp.runs.program import differences
from dqn_exp.runs.provenance import environment
from tests.helpers import make_config

CONFIG = make_config()


def record(*changes: dict[str, Any]) -> dict[str, Any]:
    """Of a trial with an attempt for each of the `changes` to what is true now."""
    attempt = {"exact": True, **environment(), "parts": parts(CONFIG)}
    return {"format": 2, "attempts": [{**copy.deepcopy(attempt), **change} for change in changes]}


def test_this_program_is_no_other_one() -> None:
    assert differences(record({}), CONFIG) == []
    assert differences(record({}, {"command": "x", "host": "y", "git": None}), CONFIG) == []


def versions(changes: dict[str, str]) -> dict[str, Any]:
    return {"versions": environment()["versions"] | changes}


TORCH = environment()["versions"]["torch"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"source": "0123"}, "other code of dqn_exp"),
        ({"source": None}, "other code of dqn_exp"),
        ({"parts": {"my_parts": "0123"}}, "other code of my_parts"),
        (versions({"torch": "1.0"}), f"torch 1.0 instead of {TORCH}"),
        (versions({"mujoco": "1.0"}), "mujoco 1.0 instead of none"),
        ({"cpu": "Z80"}, f"processor Z80 instead of {environment()['cpu']}"),
        ({"exact": False}, "not continued exactly"),
    ],
)
def test_what_may_change_numbers_is_told(change: dict[str, Any], told: str) -> None:
    assert differences(record({}, change, change), CONFIG) == [told]


def test_what_changes_no_number_is_not() -> None:
    others = dict.fromkeys(("optuna", "joblib", "hydra-core", "dqn_exp"), "1.0")
    assert differences(record(versions(others)), CONFIG) == []


def test_what_nobody_knows_is_told() -> None:
    """Here too: a module that was edited after it had been imported."""
    config = CONFIG.model_copy(update={"imports": ["there_is_none"]})
    assert differences(record({"parts": {"there_is_none": None}}), config) == ["other code of there_is_none"]


def test_a_record_of_an_earlier_version_knows_nothing_of_its_source() -> None:
    old = {"format": 1, "config": {}, "seed": 0, "started": "", **environment()}
    del old["source"]
    assert "other code of dqn_exp" in differences(old, CONFIG)
