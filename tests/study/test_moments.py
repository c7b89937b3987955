"""A common clock for trials with different budgets."""

from __future__ import annotations

import pytest

from dqn_exp.study.moments import Moments, moments_of
from tests.study.test_objective import config

STEPS = {"budget__env_steps": 100_000, "evaluation__every_steps": 2000}
LONGER = {"budget__env_steps": 120_000, "evaluation__every_steps": 3000}
EPISODES = {
    "budget__env_steps": None, "budget__episodes": 50, "evaluation__every_steps": None,
    "evaluation__every_episodes": 1,
}  # fmt: skip


def test_one_environment_has_its_own_clock() -> None:
    one = config(**STEPS)
    moments = moments_of([one, one])
    assert moments == Moments(2000, 100_000, "env step")
    assert (moments.own(6000, one), moments.common(6000, one)) == (6000, 6000)


def test_trials_of_other_environments_are_at_the_same_share_of_their_budget() -> None:
    """3 000 of 120 000 steps are 2 500 of 100 000; 1 of 50 episodes is 2 000."""
    first, longer, by_episodes = config(**STEPS), config(**LONGER), config(**EPISODES)
    moments = moments_of([first, longer, by_episodes])
    assert moments == Moments(2500, 100_000, "env step")
    assert [moments.own(50_000, one) for one in (first, longer, by_episodes)] == [50_000, 60_000, 25]
    assert [moments.common(30, one) for one in (first, longer, by_episodes)] == [30, 25, 60_000]
    assert moments.common(120_000, longer) == 100_000
    assert moments_of([by_episodes, first]) == Moments(1, 50, "episode")


@pytest.mark.parametrize("every", [7, 900])
def test_the_interval_is_a_whole_number(every: int) -> None:
    moments = moments_of([config(**STEPS), config(budget__env_steps=999, evaluation__every_steps=every)])
    assert moments.interval == max(2000, -(-every * 100_000 // 999))


def test_without_a_budget_time_is_as_it_is() -> None:
    endless = config(budget__env_steps=None, budget__learning_episodes=5)
    moments = moments_of([endless])
    assert moments.horizon is None
    assert (moments.own(7, endless), moments.common(7, endless)) == (7, 7)
