"""Bad input is found early, and the message names the key, the value and what is allowed."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from typing import Any

import pytest

from dqn_exp.config.errors import ConfigError
from dqn_exp.config.parsing import parse_config
from dqn_exp.config.schema import Config
from tests.helpers import make_config, make_values


def refusal(**settings: Any) -> str:
    """The message with which a configuration is refused."""
    with pytest.raises(ConfigError) as caught:
        parse_config(make_values(**settings))
    return str(caught.value)


SIZE = "not a size; write a whole number such as 500, 17k, 1M, 16Ki or 2e4"
AT_LEAST_1 = "must be greater than or equal to 1"
NO_NUMBER = "must be a valid number, unable to parse string as a number"
NO_BOOLEAN = "must be a valid boolean, unable to interpret input"
NAN = "must be a number; inf is allowed and never reached"
CLOCKS = "allowed: episodes, env_steps, updates, learning_episodes."


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("buffer", -5, f"buffer=-5: {AT_LEAST_1}"),
        ("buffer", 0, f"buffer=0: {AT_LEAST_1}"),
        ("buffer", "abc", f"buffer='abc': {SIZE}"),
        ("buffer", 1.5, "buffer=1.5: not a whole number"),
        ("buffer", "17K", "buffer='17K': unknown suffix; allowed: k, M, G (thousands) or Ki, Mi, Gi (1024s)"),
        ("buffer", True, f"buffer=True: {SIZE}"),
        ("buffer", None, f"buffer=None: {SIZE}"),
        ("buffer", math.nan, f"buffer=nan: {SIZE}"),
        ("budget__seconds", 0, "budget.seconds=0: must be greater than 0"),
        ("budget__seconds", "1m", f"budget.seconds='1m': {NO_NUMBER}"),
        ("batch", "-1k", f"batch='-1k': {AT_LEAST_1}"),
        ("update_every", 0, f"update_every=0: {AT_LEAST_1}"),
        ("train_every", 0, f"train_every=0: {AT_LEAST_1}"),
        ("lr", 0, "lr=0: must be greater than 0"),
        ("lr", -1e-3, "lr=-0.001: must be greater than 0"),
        ("lr", True, "lr=True: must be a number, not true or false"),
        ("lr", math.nan, "lr=nan: must be finite"),
        ("lr", math.inf, "lr=inf: must be finite"),
        ("lr", "fast", f"lr='fast': {NO_NUMBER}"),
        ("gamma", 1.01, "gamma=1.01: must be less than or equal to 1"),
        ("gamma", False, "gamma=False: must be a number, not true or false"),
        ("gamma", math.nan, "gamma=nan: must be finite"),
        ("seed", -1, "seed=-1: must be greater than or equal to 0"),
        ("convergence__threshold", "high", f"convergence.threshold='high': {NO_NUMBER}"),
        ("convergence__threshold", math.nan, f"convergence.threshold=nan: {NAN}"),
        ("env__max_episode_steps", 0, f"env.max_episode_steps=0: {AT_LEAST_1}, or unlimited"),
        ("env__max_episode_steps", "long", f"env.max_episode_steps='long': {SIZE}, or unlimited"),
        ("network__hidden", [64, 0], f"network.hidden.1=0: {AT_LEAST_1}"),
        ("network__hidden", 64, "network.hidden=64: must be a valid list"),
        ("agent__loss", "hubr", "agent.loss='hubr': allowed: mse, huber. Did you mean 'huber'?"),
        ("learner", "jax", "learner='jax': allowed: auto, torch, fused."),
        ("device", "tpu", "device='tpu': allowed: auto, cpu, cuda. Did you mean 'cpu'?"),
        ("optimizer__name", "lion", "optimizer.name='lion': allowed: 'adam', 'adamw', 'rmsprop', 'sgd'"),
        ("optimizer__beta1", 1.0, "optimizer.beta1=1.0: must be less than 1"),
        ("exploration__start", 2, "exploration.start=2: must be less than or equal to 1"),
        ("exploration__clock", "step", f"exploration.clock='step': {CLOCKS} Did you mean 'env_steps'?"),
        ("target__tau", 0.5, "target.tau is not a key. Allowed: name, every"),
        ("agent__max_grad_norm", 0, "agent.max_grad_norm=0: must be greater than 0"),
        ("evaluation__episodes", 0, f"evaluation.episodes=0: {AT_LEAST_1}"),
        ("agent__double", "perhaps", f"agent.double='perhaps': {NO_BOOLEAN}"),
    ],
)  # fmt: skip
def test_a_value_out_of_range_names_key_value_and_what_is_allowed(key: str, value: Any, message: str) -> None:
    """One line: a key that merely follows a short name is not complained about again."""
    assert refusal(**{key: value}) == message


def test_every_bad_key_has_its_line() -> None:
    lines = refusal(buffer=-5, gamma=2, agent__loss="l1").splitlines()
    assert [line.partition("=")[0] for line in lines] == ["gamma", "agent.loss", "buffer"]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("bufer", "bufer is not a key. Did you mean 'buffer'? Allowed: buffer, batch, update_every, "),
        (
            "agent__lss",
            "agent.lss is not a key. Did you mean 'loss'? Allowed: name, double, loss, max_grad_norm, ",
        ),
        (
            "optimizer__beta3",
            "optimizer.beta3 is not a key. Did you mean 'beta2'? Allowed: name, lr, beta1, beta2, ",
        ),
        ("qqq", "qqq is not a key. Allowed: buffer, "),
    ],
)
def test_a_typo_in_a_key_is_found(key: str, message: str) -> None:
    assert refusal(**{key: 1}).startswith(message)


def test_a_missing_key_is_named() -> None:
    values = make_values()
    del values["replay"]["n_step"]
    with pytest.raises(ConfigError, match=r"^replay.n_step is missing$"):
        parse_config(values)


# parts that do not fit together


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch": 300, "buffer": 200}, "batch=300 is larger than buffer=200; allowed: batch <= buffer"),
        (
            {"budget__env_steps": None},
            "budget.episodes, budget.env_steps, budget.learning_episodes and budget.seconds are all null; "
            "allowed: at least one limit",
        ),
        (
            {"env__id": "os:CartPole-v1"},
            "env.id='os:CartPole-v1' names a module; allowed: an environment's id, with the module that "
            "registers it in imports=[...]",
        ),
        (
            {"network": "mlp_batchnorm", "replay": "online"},
            "network.name='mlp_batchnorm' cannot learn from batch=1, which has no variance; "
            "allowed: batch >= 2",
        ),
        (
            {"env__parallel": 300, "buffer": 200, "batch": 10},
            "env.parallel=300 is larger than buffer=200: each step stores one transition per copy; allowed: "
            "env.parallel <= buffer",
        ),
    ],
)
def test_parts_must_fit_together(settings: dict[str, Any], message: str) -> None:
    assert refusal(**settings) == message


@pytest.mark.parametrize(
    "settings",
    [
        {"batch": 200, "buffer": 200},
        {"replay": "online", "batch": 300, "buffer": 200},
        {"agent__learning_starts": 1000, "buffer": 200},
        {"convergence__threshold": math.inf},
        {"env__max_episode_steps": "unlimited"},
        {"seed": 0},
        {"gamma": 1},
        {"gamma": 0},
        {"budget__env_steps": None, "budget__episodes": 10},
        {"budget__env_steps": None, "budget__seconds": 0.5},
        {"network__hidden": []},
    ],
)
def test_the_edges_of_what_is_allowed(settings: dict[str, Any]) -> None:
    parse_config(make_values(**settings))


# a configuration runs no code


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        ("agent___target_", "os.system", "agent._target_='os.system'"),
        ("network__options", {"_target_": "os.system"}, "network.options._target_='os.system'"),
        ("env__kwargs", {"a": [{"_target_": "os.system"}]}, "env.kwargs.a.0._target_='os.system'"),
        ("env__wrappers", {"x": {"_target_": "os.system"}}, "env.wrappers.x._target_='os.system'"),
    ],
)
def test_a_target_is_refused(key: str, value: Any, where: str) -> None:
    assert refusal(**{key: value}).startswith(f"{where} is refused: a configuration names parts")


# short names and hashes


def test_short_names_reach_their_sections() -> None:
    config = parse_config(make_values(buffer="17k", batch="16Ki", update_every="2e1", lr=0.5, seed="3"))
    assert (config.buffer, config.replay.capacity) == (17_000, 17_000)
    assert (config.batch, config.replay.batch_size) == (16_384, 16_384)
    assert (config.update_every, config.target.every) == (20, 20)
    assert (config.lr, config.optimizer.lr, config.seed) == (0.5, 0.5, 3)


def same_hash(first: dict[str, Any], second: dict[str, Any]) -> bool:
    hashes = [parse_config(make_values(**settings)).hash() for settings in (first, second)]
    return hashes[0] == hashes[1]


def test_the_hash_is_of_what_matters() -> None:
    assert same_hash({"buffer": "17k"}, {"buffer": 17_000})
    assert same_hash({"report": False}, {"report": True})
    assert not same_hash({"seed": 1}, {"seed": 2})
    assert not same_hash({"buffer": "17k"}, {"buffer": "17Ki"})
    assert not same_hash({"env__kwargs": {"a": math.inf}}, {"env__kwargs": {"a": None}})


def test_later_keys_are_no_part_of_the_hash_where_they_say_what_was_done_before() -> None:
    """Versions that did not know them are continued by this one."""
    content = parse_config(make_values()).content()
    assert "seconds" not in content["budget"]
    assert not {"truncation", "parallel"} & set(content["env"])
    assert not same_hash({}, {"budget__seconds": 5})
    assert not same_hash({}, {"env__truncation": "terminal"})
    assert not same_hash({}, {"env__parallel": 2})


def test_the_hash_is_the_same_in_another_process() -> None:
    config = parse_config(make_values())
    read = "Config.model_validate_json(sys.stdin.read())"
    code = f"import sys; from dqn_exp.config.schema import Config; print({read}.hash())"
    process = subprocess.run(
        [sys.executable, "-c", code],
        input=config.model_dump_json(),
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.strip() == config.hash()


def test_round_trip_through_json() -> None:
    config = parse_config(make_values(convergence__threshold=math.inf, env__kwargs={"a": math.inf}))
    assert Config.model_validate(json.loads(json.dumps(config.model_dump()))) == config
    assert Config.model_validate_json(config.model_dump_json()) == config


def test_a_short_name_tells_the_value_of_the_part_that_it_names() -> None:
    config = make_config(replay__capacity=640, optimizer__lr=0.25)
    assert (config.buffer, config.replay.capacity) == (640, 640)
    assert (config.lr, config.optimizer.lr) == (0.25, 0.25)
    assert make_config(replay="online").buffer == 1


@pytest.mark.parametrize(("key", "shown"), [("buffer", "buffer"), ("replay__capacity", "replay.capacity")])
def test_a_wrong_value_is_told_by_the_name_it_was_given(key: str, shown: str) -> None:
    with pytest.raises(ConfigError) as raised:
        make_config(**{key: "many"})
    assert str(raised.value).startswith(f"{shown}='many': ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"agent": "double_dqn"},
            "agent.double=true cannot be combined with agent.munchausen; allowed: false",
        ),
        ({"replay__n_step": 3}, "replay.n_step=3 cannot be combined with agent.munchausen; allowed: 1"),
        (
            {"network__head": {"name": "c51"}},
            "network.head=c51 cannot be combined with agent.munchausen; al",
        ),
    ],
)
def test_what_munchausen_cannot_be_combined_with_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_config(make_values(agent__munchausen=True, **settings))
    assert str(error.value).startswith(words)


def test_munchausen_is_true_false_or_its_numbers() -> None:
    plain = {"tau": 0.03, "alpha": 0.9, "clip": -1.0}
    for given, expected in ((True, plain), (False, None), ({"tau": 0.1}, {**plain, "tau": 0.1})):
        munchausen = parse_config(make_values(agent__munchausen=given)).agent.munchausen
        assert (munchausen.model_dump() if munchausen else None) == expected


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ({"name": "c51", "atoms": 1}, "network.head.atoms=1: must be greater than or equal to 2"),
        ({"name": "qr", "kapa": 1}, "network.head.kapa is not a key. Did you mean 'kappa'? Allowed: name, q"),
        ({"name": "own", "size": 1}, "network.head.size is not a key. Allowed: name, options"),
    ],
)
def test_a_wrong_option_of_a_head_is_named(head: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_config(make_values(network__head=head))
    assert str(error.value).startswith(words)


@pytest.mark.parametrize("group", ["exponential", "linear", "multiplicative", "constant"])
def test_epsilon_is_0_where_the_network_explores_unless_it_is_given(group: str) -> None:
    def epsilons(**settings: Any) -> set[float]:
        exploration = parse_config(make_values(exploration=group, **settings)).exploration.model_dump()
        return {exploration[key] for key in ("start", "end", "epsilon") if key in exploration}

    assert epsilons() == ({0.1} if group == "constant" else {1.0, 0.05})
    assert epsilons(network__noisy=True) == {0.0}
    given = "exploration__epsilon" if group == "constant" else "exploration__end"
    assert epsilons(network__noisy=True, **{given: 0.2}) == ({0.2} if group == "constant" else {0.0, 0.2})


def test_epsilon_is_as_it_was_where_a_network_file_knows_no_noise() -> None:
    values = make_values()
    del values["network"]["noisy"]
    exploration = parse_config(values).exploration
    assert (exploration.name, exploration.start, exploration.end) == ("exponential", 1.0, 0.05)
