from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces

from dqn_exp.replay import Replay, build_replay
from tests.helpers import make_config, one_step


def build(**settings: object) -> Replay:
    observations = spaces.Box(-1, 1, (4,), np.float32)
    return build_replay(make_config(**settings).replay, observations, 1, 0.9, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"replay": "uniform"}, "UniformReplay"),
        ({"replay": "prioritised"}, "PrioritisedReplay"),
        ({"replay": "online"}, "UniformReplay"),
        ({"replay__n_step": 3}, "NStepReplay"),
    ],
)
def test_the_configuration_chooses(settings: dict[str, object], kind: str) -> None:
    assert type(build(**settings)).__name__ == kind


def test_online_learns_from_the_latest_transition_alone() -> None:
    replay = build(replay="online")
    for reward in (1.0, 2.0, 3.0):
        replay.add(one_step(np.zeros(4), 0, reward, np.zeros(4)))
        rows = replay.sample().indices
        assert replay.transitions.reward[rows].tolist() == [reward]
