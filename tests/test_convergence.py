from __future__ import annotations

import math

import pytest

from dqn_exp.convergence import convergence_index


@pytest.mark.parametrize(
    ("mean_returns", "consecutive", "index"),
    [
        ([], 1, None),
        ([9], 1, None),
        ([10], 1, 0),
        ([9, 10, 9, 11], 1, 1),
        ([9, 10, 9, 10, 10, 10], 3, 3),
        ([9, 10, 9, 10, 10], 3, None),
        ([10, 10, 10, 0], 3, 0),
        ([10, 10, math.nan, 10, 10, 10], 3, 3),
        ([math.inf, math.inf], 2, 0),
        ([-math.inf, 10], 2, None),
    ],
)
def test_the_first_of_consecutive_evaluations_at_10_or_more(
    mean_returns: list[float], consecutive: int, index: int | None
) -> None:
    assert convergence_index(mean_returns, 10, consecutive) == index


def test_nothing_reaches_infinity_but_infinity() -> None:
    assert convergence_index([1e300], math.inf, 1) is None


def test_reads_any_iterable() -> None:
    assert convergence_index((x for x in (1.0, 10.0)), 10, 1) == 1
