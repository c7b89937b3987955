"""Does the target network stand still and follow when it should? Compared at every update of real trials."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from dqn_exp.agent.target import TargetUpdate
from dqn_exp.config.schema import TargetConfig
from dqn_exp.training.run import EpisodeEnded, LossSampled, Trial, train
from tests.helpers import make_config, same_bits, weights

EVERY_UPDATE: dict[str, Any] = {
    "batch": 8,
    "lr": 0.01,
    "metrics__loss_every": 1,
    "budget__env_steps": 60,
    "network__hidden": [16],
}


def make_trial(learner: str, target: str, every: int, **settings: Any) -> Trial:
    settings = {"learner": learner, "target": target, "update_every": every, **settings}
    return Trial(make_config(**{**EVERY_UPDATE, **settings}))


@pytest.mark.parametrize(
    ("name", "every", "after_steps", "after_episodes"),
    [
        ("steps", 4, [(4, 1.0), (8, 1.0)], []),
        ("episodes", 3, [], [(3, 1.0), (6, 1.0), (9, 1.0)]),
        ("soft", 5, [(5, 0.1), (10, 0.1)], []),
        ("none", 1, [], []),
    ],
)
def test_syncs_exactly_at_multiples(
    name: str, every: int, after_steps: list[Any], after_episodes: list[Any]
) -> None:
    seen: list[Any] = []
    config = TargetConfig.model_validate(
        {"name": name, "every": every, "tau": 0.1 if name == "soft" else 1.0}
    )
    target = TargetUpdate(config, lambda tau: seen.append(tau))
    for kind, after in ((after_steps, target.after_step), (after_episodes, target.after_episode)):
        synced = []
        for tick in range(1, 11):
            after(tick)
            synced += [(tick, seen.pop())] if seen else []
        assert synced == kind


@pytest.mark.parametrize("target", ["steps", "episodes", "soft"])
def test_target_equals_online_at_the_start(learner: str, target: str) -> None:
    trial = make_trial(learner, target, 10)
    assert same_bits(weights(trial, "target."), weights(trial))


def test_hard_updates_in_steps(learner: str) -> None:
    """During step t the target is the online network as it was after the latest multiple of 10 before t."""
    trial = make_trial(learner, "steps", 10)
    online = {0: weights(trial)}
    for event in train(trial):
        if isinstance(event, LossSampled):
            step = trial.clock.env_steps
            online[step] = weights(trial)
            latest = (step - 1) // 10 * 10
            expected = online[latest] if latest in online else online[0]
            assert same_bits(weights(trial, "target."), expected), f"at step {step}"
    assert max(online) == 60
    assert not same_bits(online[10], online[20])


def test_hard_updates_in_episodes(learner: str) -> None:
    trial = make_trial(learner, "episodes", 3, budget__episodes=10, budget__env_steps=None)
    expected = weights(trial)
    for event in train(trial):
        if isinstance(event, EpisodeEnded) and trial.clock.episodes % 3 == 0:
            expected = weights(trial)
        assert same_bits(weights(trial, "target."), expected), f"in episode {trial.clock.episodes}"
    assert trial.clock.episodes == 10
    assert not same_bits(weights(trial), expected)


def test_soft_updates_by_tau(learner: str) -> None:
    """target <- target + 0.25 (online - target) after every step; compared before the next one."""
    trial = make_trial(learner, "soft", 1, target__tau=0.25)
    target, online = weights(trial, "target."), weights(trial)
    for event in train(trial):
        if isinstance(event, LossSampled):
            target = {name: value + 0.25 * (online[name] - value) for name, value in target.items()}
            for name, value in weights(trial, "target.").items():
                torch.testing.assert_close(value, target[name])
            target, online = weights(trial, "target."), weights(trial)


def test_without_a_target_network_there_is_none(learner: str) -> None:
    trial = make_trial(learner, "none", 1)
    assert weights(trial, "target.") == {}
