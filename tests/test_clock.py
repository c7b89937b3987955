from __future__ import annotations

import json

import pytest

from dqn_exp.clock import Clock, multiples_reached
from dqn_exp.config.schema import BudgetConfig


@pytest.mark.parametrize(
    ("episodes", "env_steps", "spent"),
    [(9, 99, False), (10, 50, True), (3, 100, True), (11, 101, True)],
)
def test_the_first_limit_reached_spends_the_budget(episodes: int, env_steps: int, spent: bool) -> None:
    assert Clock(episodes, env_steps).spent(BudgetConfig(episodes=10, env_steps=100)) is spent


def test_null_is_no_limit() -> None:
    clock = Clock(episodes=10**9, env_steps=10**9)
    assert not clock.spent(BudgetConfig(episodes=None, env_steps=10**10))
    assert not clock.spent(BudgetConfig(episodes=10**10, env_steps=None))


@pytest.mark.parametrize(
    ("every", "now", "advance", "count"),
    [(4, 4, 1, 1), (4, 5, 1, 0), (4, 8, 4, 1), (4, 9, 8, 2), (1, 8, 8, 8), (4, 4, 0, 0), (100, 8, 8, 0)],
)
def test_multiples_that_a_count_has_reached(every: int, now: int, advance: int, count: int) -> None:
    assert multiples_reached(every, now, advance) == count
    assert sum(n % every == 0 for n in range(now - advance + 1, now + 1)) == count


def test_state_round_trip() -> None:
    clock, other = Clock(1, 20, 13, 4), Clock()
    other.load_state(json.loads(json.dumps(clock.state())))
    assert other == clock


def test_learning_episodes_are_a_budget_of_their_own() -> None:
    budget = BudgetConfig(episodes=None, env_steps=None, learning_episodes=5)
    assert not Clock(episodes=100, learning_episodes=4).spent(budget)
    assert Clock(episodes=100, learning_episodes=5).spent(budget)
