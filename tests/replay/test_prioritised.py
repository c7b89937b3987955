from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from dqn_exp.replay.prioritised import PrioritisedReplay
from dqn_exp.replay.ring import Sample
from tests.helpers import one_step

NUMBERS = spaces.Box(-1, 1, (1,), np.float32)


def make_replay(capacity: int = 8, batch_size: int = 16, seed: int = 0, **options: Any) -> PrioritisedReplay:
    settings = {"alpha": 0.5, "beta_start": 1.0, "beta_end": 1.0, "beta_updates": 10, "floor": 1e-6}
    generator = np.random.default_rng(seed)
    common = (capacity, NUMBERS, batch_size, 0.9, True, generator)
    return PrioritisedReplay(*common, **{**settings, **options})


def fill(replay: PrioritisedReplay, n_steps: int) -> None:
    for k in range(n_steps):
        replay.add(one_step(np.zeros(1), 0, float(k), np.zeros(1)))


def learn(replay: PrioritisedReplay, td_errors: list[float]) -> None:
    """Tell `replay` the TD error of each row from the first on."""
    indices = np.arange(len(td_errors))
    replay.learned(Sample(indices, None), np.array(td_errors, np.float32))


def frequencies(replay: PrioritisedReplay, samples: int = 1000) -> np.ndarray:
    indices = np.concatenate([replay.sample().indices for _ in range(samples)])
    return np.bincount(indices, minlength=replay.capacity) / len(indices)


def test_probability_is_proportional_to_priority_to_the_alpha() -> None:
    """|TD error| = 1, 4, 9, 16 at alpha = 1/2: probabilities 1, 2, 3, 4 tenths."""
    replay = make_replay()
    fill(replay, 4)
    learn(replay, [1, -4, 9, -16])
    expected = [0.1, 0.2, 0.3, 0.4, 0, 0, 0, 0]
    np.testing.assert_allclose(frequencies(replay), expected, atol=0.01)


def test_alpha_0_is_uniform() -> None:
    replay = make_replay(alpha=0.0)
    fill(replay, 4)
    learn(replay, [1, 4, 9, 16])
    np.testing.assert_allclose(frequencies(replay)[:4], 0.25, atol=0.01)


def test_importance_weights() -> None:
    """(N P)^-beta with N = 4 and P = .1 .2 .3 .4, over the largest, which is that of the rarest row."""
    replay = make_replay(batch_size=1000, beta_start=0.5, beta_end=0.5)
    fill(replay, 4)
    learn(replay, [1, 4, 9, 16])
    sample = replay.sample()
    assert sample.weights is not None
    expected = (4 * np.array([0.1, 0.2, 0.3, 0.4])) ** -0.5
    np.testing.assert_allclose(sample.weights, (expected / expected.max())[sample.indices], rtol=1e-5)
    assert sample.weights.dtype == np.float32


def test_beta_goes_linearly_from_start_to_end() -> None:
    replay = make_replay(beta_start=0.4, beta_end=1.0, beta_updates=10)
    fill(replay, 4)
    betas = []
    for _ in range(13):
        betas.append(replay.beta)
        replay.sample()
    np.testing.assert_allclose([betas[0], betas[5], betas[10], betas[12]], [0.4, 0.7, 1.0, 1.0])


def test_new_transitions_get_the_largest_priority_so_far() -> None:
    replay = make_replay()
    fill(replay, 2)
    learn(replay, [9, 4])
    fill(replay, 1)
    np.testing.assert_allclose(replay.state()["priority"], [3, 2, 3], rtol=1e-5)
    learn(replay, [0, 0, 0])
    fill(replay, 1)
    expected = [1e-3, 1e-3, 1e-3, 3]  # sqrt(0 + floor), and the largest is not forgotten
    np.testing.assert_allclose(replay.state()["priority"], expected, rtol=1e-5)


def test_an_overwritten_row_loses_its_priority() -> None:
    replay = make_replay(capacity=3)
    fill(replay, 3)
    learn(replay, [0, 0, 16])
    fill(replay, 2)
    np.testing.assert_allclose(replay.state()["priority"], [4, 4, 4], rtol=1e-5)


@pytest.mark.parametrize("capacity", [1, 2, 3, 7, 8, 9])
def test_never_an_unfilled_slot(capacity: int) -> None:
    for filled in range(1, capacity + 1):
        replay = make_replay(capacity=capacity)
        fill(replay, filled)
        assert frequencies(replay, 20)[filled:].sum() == 0


def test_state_round_trip() -> None:
    replay, other = make_replay(beta_start=0.2), make_replay(beta_start=0.2, seed=1)
    fill(replay, 10)
    learn(replay, [5, 2, 1])
    replay.sample()
    other.load_state(copy.deepcopy(replay.state()))
    for each in (replay, other):
        fill(each, 1)
    for _ in range(3):
        mine, theirs = replay.sample(), other.sample()
        np.testing.assert_array_equal(mine.indices, theirs.indices)
        np.testing.assert_array_equal(mine.weights, theirs.weights)


def test_the_first_sample_is_corrected_by_the_first_beta() -> None:
    """beta goes from 0 to 1 in two samples: the first is not corrected, the second by half."""
    replay = make_replay(batch_size=1000, beta_start=0.0, beta_end=1.0, beta_updates=2)
    fill(replay, 4)
    learn(replay, [1, 4, 9, 16])
    shares = 4 * np.array([0.1, 0.2, 0.3, 0.4])
    for beta in (0.0, 0.5, 1.0, 1.0):
        sample = replay.sample()
        expected = shares**-beta
        np.testing.assert_allclose(sample.weights, (expected / expected.max())[sample.indices], rtol=1e-5)
