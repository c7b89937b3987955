"""Hand-made episodes. gamma = 0.5; the k-th step earns 2^k, so that each discounted sum is recognisable:
three steps from k on sum to 2^k + 2^(k+1) / 2 + 2^(k+2) / 4 = 3 * 2^k."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dqn_exp.replay.n_step import NStepReplay
from dqn_exp.replay.ring import UniformReplay


def make_replay(n: int = 3, capacity: int = 50) -> NStepReplay:
    return NStepReplay(UniformReplay(capacity, 1, 4, 0.5, True, np.random.default_rng(0)), n)


def play(replay: NStepReplay, n_steps: int, terminated: bool, truncated: bool, first: int = 0) -> None:
    """An episode through observations first, first + 1, ...; its last step ends as told."""
    for k in range(n_steps):
        last = k == n_steps - 1
        here, there = np.array([first + k], np.float32), np.array([first + k + 1], np.float32)
        replay.add(here, k % 2, 2.0**k, there, terminated and last, truncated and last)


def rows(replay: NStepReplay) -> list[tuple[float, int, float, float, float]]:
    """observation, action, reward, next observation, discount of all that is stored."""
    columns = (column[: len(replay)].reshape(len(replay)) for column in replay.transitions)
    return [tuple(row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def test_sums_stop_at_termination() -> None:
    replay = make_replay()
    play(replay, 5, terminated=True, truncated=False)
    assert rows(replay) == [
        (0, 0, 3, 3, 0.125),
        (1, 1, 6, 4, 0.125),
        (2, 0, 12, 5, 0),
        (3, 1, 8 + 16 / 2, 5, 0),
        (4, 0, 16, 5, 0),
    ]


def test_truncation_bootstraps_with_the_true_number_of_steps() -> None:
    replay = make_replay()
    play(replay, 5, terminated=False, truncated=True)
    assert rows(replay) == [
        (0, 0, 3, 3, 0.125),
        (1, 1, 6, 4, 0.125),
        (2, 0, 12, 5, 0.125),
        (3, 1, 16, 5, 0.25),
        (4, 0, 16, 5, 0.5),
    ]


def test_termination_wins_over_truncation() -> None:
    replay = make_replay()
    play(replay, 2, terminated=True, truncated=True)
    assert rows(replay) == [(0, 0, 2, 2, 0), (1, 1, 2, 2, 0)]


def test_episodes_do_not_mix() -> None:
    replay = make_replay()
    play(replay, 2, terminated=False, truncated=True)
    play(replay, 4, terminated=True, truncated=False, first=10)
    assert rows(replay) == [
        (0, 0, 2, 2, 0.25),
        (1, 1, 2, 2, 0.5),
        (10, 0, 3, 13, 0.125),
        (11, 1, 6, 14, 0),
        (12, 0, 8, 14, 0),
        (13, 1, 8, 14, 0),
    ]


@pytest.mark.parametrize(("n_steps", "stored"), [(1, 0), (2, 0), (3, 1), (4, 2)])
def test_a_running_episode_holds_back_incomplete_sums(n_steps: int, stored: int) -> None:
    replay = make_replay()
    play(replay, n_steps, terminated=False, truncated=False)
    assert len(replay) == stored


def test_state_round_trip_between_episodes() -> None:
    replay, other = make_replay(), make_replay()
    play(replay, 5, terminated=True, truncated=False)
    replay.sample()
    other.load_state(json.loads(json.dumps(replay.state())), replay.arrays())
    for each in (replay, other):
        play(each, 4, terminated=False, truncated=True)
    assert rows(other) == rows(replay)
    np.testing.assert_array_equal(other.sample().indices, replay.sample().indices)
