"""A sum tree, from which leaves are drawn with probabilities proportional to their weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from dqn_exp.compilation import compile_cached, prepare


class SumTree:
    """Holds the weights of `capacity` leaves and the sum of each subtree: a draw takes O(log capacity).

    Node 1 is the root; the children of node i are nodes 2i and 2i + 1.
    """

    def __init__(self, capacity: int) -> None:
        self._first_leaf = 2 ** max(1, int(np.ceil(np.log2(capacity))))
        self._sums = np.zeros(2 * self._first_leaf)
        leaves, weights = np.zeros(0, np.int64), np.zeros(0)
        self._weigh = prepare(compile_cached(weigh, "float64"), self._sums, leaves, weights)
        self._find = prepare(compile_cached(find, "float64"), self._sums, weights, leaves)

    @property
    def total(self) -> float:
        return float(self._sums[1])

    def __getitem__(self, leaves: np.ndarray) -> np.ndarray:
        weights: np.ndarray = self._sums[leaves + self._first_leaf]
        return weights

    def __setitem__(self, leaves: ArrayLike, weights: ArrayLike) -> None:
        """Set the weight of one leaf, or of several, [n] each. For a repeated leaf the last weight counts."""
        self._weigh(self._sums, np.array(leaves, np.int64, ndmin=1), np.array(weights, np.float64, ndmin=1))

    def find(self, masses: np.ndarray) -> np.ndarray:
        """The leaves int64[n] at which the cumulative sum of weights exceeds `masses` [n], in [0, total)."""
        leaves = np.empty(len(masses), np.int64)
        self._find(self._sums, np.ascontiguousarray(masses, np.float64), leaves)
        return leaves


def weigh(sums: np.ndarray, leaves: np.ndarray, weights: np.ndarray) -> None:
    """Set the weights [n] of `leaves` [n], and update all sums above them."""
    for k in range(leaves.size):
        node = sums.size // 2 + leaves[k]
        sums[node] = weights[k]
        while node > 1:
            node //= 2
            sums[node] = sums[2 * node] + sums[2 * node + 1]


def find(sums: np.ndarray, masses: np.ndarray, leaves: np.ndarray) -> None:
    """Write to `leaves` [n] the leaves that contain `masses` [n]; leaves of weight 0 are never chosen."""
    first_leaf = sums.size // 2
    for k in range(masses.size):
        node, mass = 1, masses[k]
        while node < first_leaf:
            left = sums[2 * node]
            node *= 2
            if mass >= left and sums[node + 1] > 0:
                mass -= left
                node += 1
        leaves[k] = node - first_leaf
