"""The reference of keys against the schema and the composed default configuration."""

from __future__ import annotations

from dqn_exp.config import SHORT_NAMES
from dqn_exp.config.reference import Key, keys

DEFAULTS = {"gamma": 0.99, "agent": {"max_grad_norm": None, "double": False}, "network": {"hidden": [64, 64]}}
OPTIONS = {"replay=prioritised": {"capacity": "${buffer}", "alpha": 0.6}}


def found(name: str, option: str | None = None) -> Key:
    (key,) = [key for key in keys(DEFAULTS, OPTIONS) if (key.name, key.option) == (name, option)]
    return key


def test_every_key_has_a_meaning_and_says_what_is_allowed() -> None:
    all_keys = keys(DEFAULTS, OPTIONS)
    assert [key.name for key in all_keys if not key.meaning or not key.allowed] == []
    assert {key.name for key in all_keys} >= SHORT_NAMES.keys()


def test_ranges_are_those_that_the_schema_checks() -> None:
    assert found("gamma").allowed == "a number from 0 to 1"
    assert found("agent.max_grad_norm").allowed == "a number above 0, null"
    assert found("env.max_episode_steps").allowed == "a whole number from 1, unlimited, null"
    assert found("agent.loss").allowed == "mse, huber"
    assert found("network.hidden").allowed == "a list, each a whole number from 1"


def test_defaults_are_those_of_the_trial_or_of_the_option() -> None:
    assert (found("gamma").default, found("agent.max_grad_norm").default) == ("0.99", "null")
    assert found("network.hidden").default == "[64, 64]"
    key = found("replay.capacity", "replay=prioritised")
    assert (key.short, key.default) == ("buffer", "${buffer}")
    assert found("replay.alpha", "replay=prioritised").default == "0.6"
    assert found("env.parallel").default == "1", "where nothing is composed, the schema's"
