"""Rewards may be clamped for learning; recorded returns are not clamped."""

from __future__ import annotations

import numpy as np
import pytest

from dqn_exp.training.run import EpisodeEnded
from tests.helpers import dqn, make_config, run


@pytest.mark.parametrize(("n_step", "learned"), [(1, [-0.25]), (2, [-0.375, -0.25])])
def test_rewards_are_clamped_before_they_are_summed(n_step: int, learned: list[float]) -> None:
    """Each step of MountainCar costs 1; with gamma 0.5 two clamped ones sum to -0.25 - 0.5 * 0.25."""
    config = make_config(
        env="mountaincar", agent__max_abs_reward=0.25, replay__n_step=n_step, gamma=0.5, budget__env_steps=200
    )
    trial, events = run(config)
    rewards = dqn(trial).replay.transitions.reward[: len(dqn(trial).replay)]
    assert np.unique(rewards).tolist() == learned
    assert [event.total_return for event in events if isinstance(event, EpisodeEnded)] == [-200]
