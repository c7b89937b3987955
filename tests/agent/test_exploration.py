from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from dqn_exp.agent.exploration import Exploration, build_schedule
from dqn_exp.clock import Clock
from dqn_exp.training.run import build_run
from tests.helpers import make_config

LINEAR = {"exploration": "linear", "exploration__duration": 1000}
EXPONENTIAL = {"exploration": "exponential", "exploration__decay": 200}
MULTIPLICATIVE = {"exploration": "multiplicative", "exploration__factor": 0.9}
CONSTANT = {"exploration": "constant", "exploration__epsilon": 0.3}


def test_before_the_first_action_epsilon_is_one() -> None:
    assert build_run(make_config(**CONSTANT)).agent.epsilon == 1.0


@pytest.mark.parametrize(
    ("settings", "tick", "epsilon"),
    [
        (LINEAR, 0, 1.0),
        (LINEAR, 500, 0.525),
        (LINEAR, 1000, 0.05),
        (LINEAR, 5000, 0.05),
        (EXPONENTIAL, 0, 1.0),
        (EXPONENTIAL, 200, 0.05 + 0.95 / math.e),
        (EXPONENTIAL, 10**6, 0.05),
        (MULTIPLICATIVE, 0, 1.0),
        (MULTIPLICATIVE, 2, 0.81),
        (MULTIPLICATIVE, 28, 0.9**28),  # 0.0523: just before the floor
        (MULTIPLICATIVE, 29, 0.05),
        (MULTIPLICATIVE, 10**6, 0.05),
        (CONSTANT, 0, 0.3),
        (CONSTANT, 10**6, 0.3),
    ],
)
def test_epsilon_at_start_middle_and_end(settings: dict[str, Any], tick: int, epsilon: float) -> None:
    schedule = build_schedule(make_config(**settings).exploration)
    assert schedule(tick) == pytest.approx(epsilon)


@pytest.mark.parametrize("settings", [LINEAR, EXPONENTIAL, MULTIPLICATIVE])
@pytest.mark.parametrize("clock", ["episodes", "env_steps", "updates", "learning_episodes"])
def test_each_schedule_follows_the_clock_it_names(settings: dict[str, Any], clock: str) -> None:
    trial = build_run(make_config(**settings, exploration__clock=clock))
    for other in ("episodes", "env_steps", "updates", "learning_episodes"):
        setattr(trial.clock, other, 7 if other == clock else 10**6)
    trial.agent.act(trial.env.observe())
    assert trial.agent.epsilon == build_schedule(trial.config.exploration)(7)


def test_epsilon_is_the_share_of_random_actions() -> None:
    """Of 4000 actions at epsilon = 0.5 a quarter is the one of two that is not greedy: 1000 +- 4 sigma."""
    actions = {epsilon: explore(epsilon, n_environments=2, times=2000) for epsilon in (0.0, 0.5, 1.0)}
    assert abs(int((actions[0.5] != 1).sum()) - 1000) < 4 * math.sqrt(4000 * 0.25 * 0.75)
    assert set(actions[0.0]) == {1}
    assert abs(int((actions[1.0] != 1).sum()) - 2000) < 4 * math.sqrt(4000 * 0.25)


def test_each_environment_explores_on_its_own() -> None:
    """At epsilon = 0.5 two environments explore together in a quarter of the steps, as chance has it."""
    pairs = explore(0.5, n_environments=2, times=4000, n_actions=1000).reshape(-1, 2) != 1
    assert abs(int(pairs.all(axis=1).sum()) - 1000) < 4 * math.sqrt(4000 * 0.25 * 0.75)


def test_the_greedy_action_is_asked_for_only_where_it_is_needed() -> None:
    asked = []
    explorer = exploration(0.5, n_actions=2)
    for _ in range(1000):
        explorer.explore(np.zeros((1, 4)), lambda rows: asked.append(1) or np.ones(len(rows), np.int64))
    assert abs(len(asked) - 500) < 4 * math.sqrt(1000 * 0.25)


def exploration(epsilon: float, n_actions: int) -> Exploration:
    return Exploration(lambda _: epsilon, Clock(), "env_steps", n_actions, np.random.default_rng(0))


def explore(epsilon: float, n_environments: int, times: int, n_actions: int = 2) -> np.ndarray:
    """All actions of `times` steps where the greedy action is 1."""
    explorer, rows = exploration(epsilon, n_actions), np.zeros((n_environments, 4))
    actions = [explorer.explore(rows, lambda r: np.ones(len(r), np.int64)) for _ in range(times)]
    return np.concatenate(actions)
