"""n-step returns of hand-made episodes.

gamma = 0.5 and the k-th step earns 2^k, so that each discounted sum is recognisable: three steps from k on
sum to 2^k + 2^(k+1) / 2 + 2^(k+2) / 4 = 3 * 2^k."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from gymnasium import spaces

from dqn_exp.envs import Step
from dqn_exp.replay.n_step import NStepReplay
from dqn_exp.replay.ring import UniformReplay
from tests.helpers import one_step

NUMBERS = spaces.Box(-1, 1, (1,), np.float32)


def make_replay(n: int = 3, capacity: int = 50, n_environments: int = 1) -> NStepReplay:
    ring = UniformReplay(capacity, NUMBERS, 4, 0.5, True, np.random.default_rng(0))
    return NStepReplay(ring, n, n_environments)


def play(replay: NStepReplay, n_steps: int, terminated: bool, truncated: bool, first: int = 0) -> None:
    """An episode through observations first, first + 1, ...; its last step ends as told."""
    for k in range(n_steps):
        last = k == n_steps - 1
        here, there = np.array([first + k], np.float32), np.array([first + k + 1], np.float32)
        replay.add(one_step(here, k % 2, 2.0**k, there, terminated and last, truncated and last))


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


@pytest.mark.parametrize("is_over", [True, False])
def test_state_round_trip(is_over: bool) -> None:
    """Between episodes, or in the middle of one with two sums that are not complete."""
    replay, other = make_replay(), make_replay()
    play(replay, 5, terminated=is_over, truncated=False)
    replay.sample()
    other.load_state(copy.deepcopy(replay.state()))
    for each in (replay, other):
        play(each, 4, terminated=False, truncated=True)
    assert rows(other) == rows(replay)
    np.testing.assert_array_equal(other.sample().indices, replay.sample().indices)


def test_sums_of_several_environments_do_not_mix() -> None:
    """Of two environments side by side the second one's episode ends at its second step."""
    replay = make_replay(n=2, n_environments=2)
    for k in range(3):
        here = np.array([[k], [10 + k]], np.float32)
        ends = [False, k == 1]
        replay.add(Step(here, np.array([0, 1]), [2.0**k, 3.0**k], here + 1, ends, [False, False], []))
    assert sorted(rows(replay)) == [
        (0, 0, 1 + 2 / 2, 2, 0.25),
        (1, 0, 2 + 4 / 2, 3, 0.25),
        (10, 1, 1 + 3 / 2, 12, 0),
        (11, 1, 3, 12, 0),
    ]
