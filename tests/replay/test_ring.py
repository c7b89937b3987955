from __future__ import annotations

import copy

import numpy as np
import pytest
from gymnasium import spaces
from scipy.stats import chisquare

from dqn_exp.envs import Step
from dqn_exp.replay.ring import UniformReplay
from tests.helpers import one_step

VECTORS = spaces.Box(-1, 1, (2,), np.float32)


def make_ring(
    capacity: int = 5, batch_size: int = 4, replacement: bool = True, seed: int = 0
) -> UniformReplay:
    generator = np.random.default_rng(seed)
    return UniformReplay(capacity, VECTORS, batch_size, 0.9, replacement, generator)


def fill(ring: UniformReplay, n_steps: int) -> None:
    """Step k goes from observation [k, -k] to [k + 1, -k - 1] for reward k."""
    for k in range(n_steps):
        here, there = np.array([k, -k], np.float32), np.array([k + 1, -k - 1], np.float32)
        ring.add(one_step(here, k % 3, float(k), there))


def test_columns_hold_what_was_added() -> None:
    ring = make_ring()
    fill(ring, 2)
    rows = ring.transitions
    np.testing.assert_array_equal(rows.observation[:2], [[0, 0], [1, -1]])
    np.testing.assert_array_equal(rows.next_observation[:2], [[1, -1], [2, -2]])
    np.testing.assert_array_equal(rows.action[:2], [0, 1])
    np.testing.assert_array_equal(rows.reward[:2], [0, 1])


@pytest.mark.parametrize(
    ("terminated", "truncated", "discount"),
    [(False, False, 0.9), (False, True, 0.9), (True, False, 0.0), (True, True, 0.0)],
)
def test_only_termination_ends_the_bootstrap(terminated: bool, truncated: bool, discount: float) -> None:
    ring = make_ring()
    ring.add(one_step(np.zeros(2), 0, 1.0, np.zeros(2), terminated, truncated))
    assert ring.transitions.discount[0] == np.float32(discount)


@pytest.mark.parametrize("extra", [0, 1, 3, 5, 12])
def test_evicts_exactly_the_oldest(extra: int) -> None:
    ring = make_ring(capacity=5)
    fill(ring, 5 + extra)
    assert len(ring) == 5
    assert sorted(ring.transitions.reward) == list(range(extra, extra + 5))


def test_what_is_sampled_does_not_depend_on_the_room_left() -> None:
    small, large = make_ring(capacity=50), make_ring(capacity=5000)
    for ring in (small, large):
        fill(ring, 50)
    for _ in range(20):
        np.testing.assert_array_equal(small.sample().indices, large.sample().indices)


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize("n_steps", [20, 33])
def test_samples_uniformly_and_no_unfilled_slot(replacement: bool, n_steps: int) -> None:
    """With replacement draws are independent: chi-square with 19 degrees of freedom.

    Without, each batch of 8 of 20 is one draw less variable; the statistic shrinks by (20 - 8) / 19.
    """
    ring = make_ring(capacity=40 if n_steps == 20 else 20, batch_size=8, replacement=replacement)
    fill(ring, n_steps)
    batches = np.array([ring.sample().indices for _ in range(2000)])
    counts = np.bincount(batches.ravel(), minlength=20)
    assert len(counts) == 20, "an unfilled slot was sampled"
    statistic = chisquare(counts).statistic / (1 if replacement else 12 / 19)
    assert 5 < statistic < 45  # both tails of chi-square(19) beyond are about 1e-3
    repeats = sum(len(set(batch)) < 8 for batch in batches)
    # 8 of 20 are all different with probability 20! / 12! / 20^8 = 0.198
    assert repeats == pytest.approx(2000 * 0.802, abs=90) if replacement else repeats == 0


def test_a_batch_of_everything_holds_each_row_once() -> None:
    ring = make_ring(capacity=20, batch_size=20, replacement=False)
    fill(ring, 20)
    assert sorted(ring.sample().indices) == list(range(20))


def test_state_round_trip() -> None:
    ring, other = make_ring(seed=1), make_ring(seed=2)
    fill(ring, 7)
    ring.sample()
    other.load_state(copy.deepcopy(ring.state()))
    assert len(other) == len(ring)
    for k in range(3):
        np.testing.assert_array_equal(ring.sample().indices, other.sample().indices)
        for each in (ring, other):
            each.add(one_step(np.full(2, k), 0, float(k), np.zeros(2)))
    for mine, theirs in zip(ring.transitions, other.transitions, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_step_of_several_environments_is_as_many_rows() -> None:
    ring, rows = make_ring(capacity=4), np.arange(6, dtype=np.float32).reshape(3, 2)
    flags = [False, True, False], [True] * 3
    step = Step(rows, np.array([0, 1, 0]), [1.0, 2.0, 3.0], rows + 1, *flags, [])
    for _ in range(2):
        ring.add(step)
    assert len(ring) == 4
    columns = ring.transitions
    assert columns.reward.tolist() == [2, 3, 3, 1]  # the fifth and sixth went over the first and second
    assert columns.observation[:, 0].tolist() == [2, 4, 4, 0]
    assert columns.next_observation[:, 1].tolist() == [4, 6, 6, 2]
    assert columns.action.tolist() == [1, 0, 0, 0]
    assert columns.discount.tolist() == np.float32([0, 0.9, 0.9, 0.9]).tolist()


def test_rows_have_the_shape_and_the_type_of_the_space() -> None:
    images = spaces.Box(0, 255, (3, 4, 4), np.uint8)
    ring = UniformReplay(5, images, 2, 0.9, True, np.random.default_rng(0))
    picture = np.arange(48, dtype=np.uint8).reshape(3, 4, 4)
    ring.add(one_step(picture, 0, 1.0, picture + 1))
    assert ring.transitions.observation.dtype == np.uint8
    np.testing.assert_array_equal(ring.transitions.next_observation[0], picture + 1)


def test_the_oldest_observation_that_is_not_finite_is_found() -> None:
    """Of rows 0 to 6 a ring of five holds 2 to 6; rows 3 and 5 went to what is no number."""
    ring = make_ring(capacity=5)
    fill(ring, 7)
    assert ring.oldest_not_finite() is None
    ring.transitions.next_observation[5 % 5] = [0, np.nan]
    ring.transitions.next_observation[3] = [np.inf, 0]
    assert ring.oldest_not_finite() == (3, np.inf)
