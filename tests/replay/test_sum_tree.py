from __future__ import annotations

import numpy as np
import pytest

from dqn_exp.replay.sum_tree import SumTree


@pytest.mark.parametrize("n_leaves", [1, 2, 5, 8])
def test_sum_tree_finds_the_leaf_that_holds_a_mass(n_leaves: int) -> None:
    """Leaves weigh 1, 2, 3, ...: the running sums are 1, 3, 6, ..."""
    tree = SumTree(n_leaves)
    weights = np.arange(1.0, n_leaves + 1)
    tree[np.arange(n_leaves)] = weights
    ends = weights.cumsum()
    assert tree.total == ends[-1]
    np.testing.assert_array_equal(tree.find(ends - 0.5), np.arange(n_leaves))
    np.testing.assert_array_equal(tree.find(ends - weights), np.arange(n_leaves))
    assert tree.find(ends[-1:])[0] == n_leaves - 1  # rounding may ask for the whole total


def test_leaves_weighed_one_by_one_sum_up_as_leaves_weighed_at_once() -> None:
    one_by_one, at_once = SumTree(11), SumTree(11)
    weights = np.arange(1.0, 12)
    for leaf in np.random.default_rng(0).permutation(11).tolist():
        one_by_one[leaf] = weights[leaf]
    at_once[np.arange(11)] = weights
    masses = np.arange(66) + 0.5
    assert one_by_one.total == at_once.total == 66
    np.testing.assert_array_equal(one_by_one.find(masses), np.repeat(np.arange(11), np.arange(1, 12)))
    np.testing.assert_array_equal(at_once.find(masses), one_by_one.find(masses))


def test_of_a_leaf_that_is_named_twice_the_last_weight_counts() -> None:
    tree = SumTree(4)
    tree[np.array([2, 0, 2])] = np.array([5.0, 1.0, 3.0])
    assert tree[np.arange(4)].tolist() == [1, 0, 3, 0]
    assert tree.total == 4
