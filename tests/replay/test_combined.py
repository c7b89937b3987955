"""Combined replay: a ring of 5 rows, where the reward of a transition is its number."""

from __future__ import annotations

import numpy as np
import pytest

from dqn_exp.replay.combined import CombinedReplay
from tests.helpers import spaces_of


def filled(count: int, replacement: bool, batch_size: int = 3) -> CombinedReplay:
    generator = np.random.default_rng(0)
    replay = CombinedReplay(5, spaces_of(1, 2)[0], batch_size, 0.9, replacement, generator)
    for number in range(count):
        replay.store(np.zeros(1), 0, number, np.zeros(1), 0.9)
    return replay


def drawn(replay: CombinedReplay, times: int) -> np.ndarray:
    """The numbers of the transitions in each of so many batches, [times, B]."""
    return np.stack([replay.transitions.reward[replay.sample().indices] for _ in range(times)])


@pytest.mark.parametrize("replacement", [False, True])
@pytest.mark.parametrize("count", [3, 5, 8, 10])
def test_each_batch_holds_the_latest_once(count: int, replacement: bool) -> None:
    batches = drawn(filled(count, replacement), 200)
    assert ((batches == count - 1).sum(axis=1) == 1).all()


@pytest.mark.parametrize("replacement", [False, True])
def test_the_others_are_drawn_uniformly(replacement: bool) -> None:
    """From 3, 4, 5 and 6, of which a share of 1/4 has a standard error of 0.0034 among 16 000."""
    batches = drawn(filled(8, replacement), 8000)
    numbers, counts = np.unique(batches[batches != 7], return_counts=True)
    assert numbers.tolist() == [3, 4, 5, 6]
    np.testing.assert_allclose(counts / 16_000, 0.25, atol=0.014)
    repeated = np.array([len(set(batch)) < 3 for batch in batches.tolist()])
    assert repeated.mean() == pytest.approx(0.25, abs=0.02) if replacement else not repeated.any()


def test_a_batch_of_one_is_the_latest() -> None:
    assert drawn(filled(7, True, batch_size=1), 5).tolist() == [[6]] * 5
    assert drawn(filled(1, False, batch_size=1), 1).tolist() == [[0]]
