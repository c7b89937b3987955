from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from dqn_exp.agent.exploration import build_schedule
from dqn_exp.training.run import Trial
from tests.helpers import make_config

LINEAR = {"exploration": "linear", "exploration__duration": 1000}
EXPONENTIAL = {"exploration": "exponential", "exploration__decay": 200}
MULTIPLICATIVE = {"exploration": "multiplicative", "exploration__factor": 0.9}
CONSTANT = {"exploration": "constant", "exploration__epsilon": 0.3}


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
    schedule, _ = build_schedule(make_config(**settings).exploration)
    assert schedule(tick) == pytest.approx(epsilon)


@pytest.mark.parametrize("settings", [LINEAR, EXPONENTIAL, MULTIPLICATIVE])
@pytest.mark.parametrize("clock", ["episodes", "env_steps", "updates", "learning_episodes"])
def test_each_schedule_follows_the_clock_it_names(settings: dict[str, Any], clock: str) -> None:
    trial = Trial(make_config(**settings, exploration__clock=clock))
    for other in ("episodes", "env_steps", "updates", "learning_episodes"):
        setattr(trial.clock, other, 7 if other == clock else 10**6)
    assert trial.epsilon() == trial.schedule(7)


def test_epsilon_is_the_share_of_random_actions() -> None:
    """Of 4000 actions at epsilon = 0.5 a quarter is the one of two that is not greedy: 1000 +- 4 sigma."""
    trial = Trial(make_config())
    observation = trial.env.reset()
    greedy = trial.greedy(observation)
    actions = np.array([trial.act(observation, 0.5) for _ in range(4000)])
    assert abs(int((actions != greedy).sum()) - 1000) < 4 * math.sqrt(4000 * 0.25 * 0.75)
    assert {trial.act(observation, 0.0) for _ in range(50)} == {greedy}
    assert {trial.act(observation, 1.0) for _ in range(50)} == {0, 1}
