"""The estimate of how long trials will take."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from dqn_exp.config import Config
from dqn_exp.launch import pace
from dqn_exp.launch.pace import NoPaceError, Pace, kind, measure, measure_kinds, together, trial_seconds
from dqn_exp.training import build_run
from dqn_exp.workers.server import stop_server
from tests.helpers import gymnasium_env, make_config

QUICK = Pace(step=0.001, greedy_step=0.0001, episode=20.0)


@pytest.fixture(scope="module")
def _server() -> Iterator[None]:
    yield
    stop_server()


def test_a_kind_is_what_takes_equally_long() -> None:
    plain = make_config()
    same = make_config(
        seed=3, lr=0.5, gamma=0.5, buffer=900, budget__env_steps=7_000, evaluation__every_steps=50
    )
    assert kind(plain) == kind(same)
    for other in ({"batch": 64}, {"train_every": 2}, {"env": "acrobot"}, {"network__hidden": [8]}):
        assert kind(make_config(**other)) != kind(plain)


def test_what_is_measured_is_learning_and_the_same_for_each_budget() -> None:
    """As many steps as the second holds, also where the budget is spent before the first update."""
    large: dict[str, Any] = {"network__hidden": [256, 256], "batch": 128}  # its updates are most of the time
    config = make_config(
        agent__learning_starts=40_000, evaluation__every_steps=1, evaluation__episodes=50, **large
    )
    found = measure(
        config.model_copy(update={"budget": config.budget.model_copy(update={"env_steps": 10})}), 0.1
    )
    seldom_updating = measure(make_config(train_every=1000, **large), 0.1)
    assert 1e-7 < seldom_updating.step < found.step < 1e-2
    assert 1e-7 < found.greedy_step < 1e-2
    assert 5 < found.episode < 500


def test_a_trial_that_diverges_in_the_measured_second_has_a_pace() -> None:
    found = measure(make_config(lr=1e30, divergence__max_abs_q=1e3), 0.1)
    assert 0 < found.step < 1


def seconds(config: Config) -> tuple[float, float]:
    return trial_seconds(config, {kind(config): QUICK})


def test_steps_and_evaluations_make_the_time() -> None:
    """Between episodes as they were measured and episodes up to the time limit of 500 steps."""
    config = make_config(
        budget__env_steps=1000,
        evaluation__every_steps=250,
        evaluation__episodes=5,
        evaluation__final_episodes=10,
    )
    least, most = seconds(config)
    assert least == pytest.approx(pace.AROUND_A_TRIAL + 1000 * 0.001 + (4 * 5 + 10) * 20 * 0.0001)
    assert most == pytest.approx(pace.AROUND_A_TRIAL + 1000 * 0.001 + (4 * 5 + 10) * 500 * 0.0001)


def test_a_budget_of_episodes_is_as_long_as_they_are() -> None:
    config = make_config(budget__env_steps=None, budget__episodes=50, evaluation__final_episodes=1,
                         evaluation__every_episodes=10, evaluation__episodes=1)  # fmt: skip
    least, most = seconds(config)
    assert least == pytest.approx(pace.AROUND_A_TRIAL + 50 * 20 * 0.001 + (5 + 1) * 20 * 0.0001)
    assert most == pytest.approx(pace.AROUND_A_TRIAL + 50 * 500 * 0.001 + (5 + 1) * 500 * 0.0001)
    endless = make_config(budget__env_steps=None, budget__episodes=50, env__max_episode_steps="unlimited")
    assert math.isfinite(seconds(endless)[0])
    assert math.isinf(seconds(endless)[1])


def test_seconds_as_a_budget_are_the_most_that_a_trial_takes() -> None:
    config = make_config(budget__env_steps=100_000, budget__seconds=2.0)
    assert seconds(config) == (pace.AROUND_A_TRIAL + 2, pace.AROUND_A_TRIAL + 2)


def test_a_kind_that_was_not_measured_is_as_slow_as_the_slowest() -> None:
    config = make_config(budget__env_steps=1000)
    slow = Pace(0.01, 0.0001, 20)
    assert trial_seconds(config, {"one": QUICK, "other": slow}) == trial_seconds(config, {kind(config): slow})


def test_work_is_shared_but_the_longest_piece_is_not() -> None:
    assert together([1, 1, 1, 1], 2) == 2
    assert together([1, 1, 10], 4) == 10
    assert together([], 4) == 0


@pytest.mark.usefixtures("_server")
def test_the_first_of_each_kind_is_measured_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "MOST_KINDS", 2)
    configs = [make_config(batch=batch, seed=seed) for batch in (8, 16, 32) for seed in (0, 1)]
    assert set(measure_kinds(configs, 2)) == {kind(configs[0]), kind(configs[2])}


@pytest.mark.usefixtures("_server")
def test_training_that_fails_is_told() -> None:
    where = gymnasium_env("probe/Fragile-v0") | {"imports": ["tests.launch.fragile"]}
    config = make_config(**where, env__kwargs={"trouble": "error"}, batch=8)
    with pytest.raises(NoPaceError, match="RuntimeError: the pole broke"):
        measure_kinds([config], 1)


def test_of_copies_in_the_middle_of_their_episodes_each_counts_as_one() -> None:
    """An endless episode of each of four copies: as long as a quarter of all steps."""
    trial = build_run(make_config(**gymnasium_env("probe/Cycle-v0"), env__parallel=4))
    assert pace._measure(trial, 0.05).episode == trial.clock.env_steps / 4
