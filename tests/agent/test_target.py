"""Is the target network refreshed exactly when it should be? Checked at every update of real trials."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from dqn_exp.agent.target import TargetUpdate
from dqn_exp.clock import Clock
from dqn_exp.envs import Episode, Step
from dqn_exp.training.run import Learned, Run, build_run, train
from tests.helpers import make_config, same_bits, weights

EVERY_UPDATE: dict[str, Any] = {
    "batch": 8,
    "lr": 0.01,
    "metrics__loss_every": 1,
    "budget__env_steps": 60,
    "network__hidden": [16],
}


def make_trial(learner: str, target: str, every: int, **settings: Any) -> Run:
    settings = {"learner": learner, "target": target, "update_every": every, **settings}
    return build_run(make_config(**{**EVERY_UPDATE, **settings}))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"target": "steps", "update_every": 4}, [(4, 1.0), (8, 1.0), (12, 1.0)]),
        ({"target": "soft", "update_every": 5, "target__tau": 0.1}, [(5, 0.1), (10, 0.1)]),
        ({"target": "episodes", "update_every": 3}, [(6, 1.0), (12, 1.0)]),
        ({"target": "none"}, []),
    ],
)
def test_syncs_exactly_at_multiples(settings: dict[str, Any], expected: list[Any]) -> None:
    """Twelve steps, of which every second one ends an episode."""
    assert synced(settings, n_environments=1, n_steps=12) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"target": "steps", "update_every": 4}, [2, 3, 4]),  # after 6, 9 and 12 environment steps
        ({"target": "episodes", "update_every": 4}, [4]),  # after 3 and 6 episodes
        ({"target": "steps", "update_every": 2}, [1, 2, 2, 3, 4, 4]),  # 2, then 4 and 6, 8, 10 and 12
        ({"target": "soft", "update_every": 1}, [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]),
    ],
)
def test_each_multiple_that_is_passed_counts_as_reached(
    settings: dict[str, Any], expected: list[int]
) -> None:
    """Three environments at once: four steps of each, of which the second and the fourth end episodes."""
    assert [tick for tick, _ in synced(settings, n_environments=3, n_steps=4)] == expected


def synced(settings: dict[str, Any], n_environments: int, n_steps: int) -> list[tuple[int, float]]:
    """After which of so many steps the target network is refreshed, and by how much."""
    seen: list[float] = []
    target, clock = TargetUpdate(make_config(**settings).target, seen.append), Clock()
    result, rows, flags = [], np.zeros((n_environments, 4)), [False] * n_environments
    for tick in range(1, n_steps + 1):
        over = [Episode(n, 0.0, 2, {}) for n in range(n_environments)] if tick % 2 == 0 else []
        clock.env_steps += n_environments
        clock.episodes += len(over)
        action = np.zeros(n_environments, np.int64)
        target.after(Step(rows, action, [0.0] * n_environments, rows, flags, flags, over), clock)
        result += [(tick, tau) for tau in seen]
        seen.clear()
    return result


@pytest.mark.parametrize("target", ["steps", "episodes", "soft"])
def test_target_equals_online_at_the_start(learner: str, target: str) -> None:
    trial = make_trial(learner, target, 10)
    assert same_bits(weights(trial, "target."), weights(trial))


def test_hard_updates_in_steps(learner: str) -> None:
    """After step t the target is the online network as it was after the latest multiple of 10."""
    trial = make_trial(learner, "steps", 10)
    online = {0: weights(trial)}
    for event in train(trial):
        if isinstance(event, Learned):
            step = trial.clock.env_steps
            online[step] = weights(trial)
            latest = step // 10 * 10
            expected = online[latest] if latest in online else online[0]
            assert same_bits(weights(trial, "target."), expected), f"after step {step}"
    assert max(online) == 60
    assert not same_bits(online[10], online[20])


def test_hard_updates_in_episodes(learner: str) -> None:
    trial = make_trial(learner, "episodes", 3, budget__episodes=10, budget__env_steps=None)
    expected, followed = weights(trial), 0
    for _ in train(trial):
        if trial.clock.episodes % 3 == 0 and trial.clock.episodes != followed:
            expected, followed = weights(trial), trial.clock.episodes
        assert same_bits(weights(trial, "target."), expected), f"in episode {trial.clock.episodes}"
    assert trial.clock.episodes == 10
    assert not same_bits(weights(trial), expected)


def test_soft_updates_by_tau(learner: str) -> None:
    """target <- target + 0.25 (online - target) after every step."""
    trial = make_trial(learner, "soft", 1, target__tau=0.25)
    target, compared = weights(trial, "target."), 0
    for event in train(trial):
        if isinstance(event, Learned):
            online = weights(trial)
            expected = {name: value + 0.25 * (online[name] - value) for name, value in target.items()}
            target = weights(trial, "target.")
            for name, value in target.items():
                torch.testing.assert_close(value, expected[name])
            compared += 1
    assert compared > 40


def test_without_a_target_network_there_is_none(learner: str) -> None:
    trial = make_trial(learner, "none", 1)
    assert weights(trial, "target.") == {}
