"""The set of values that may be the best: how often it contains the best, and how small it is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.estimates.best import critical_value, may_be_best


def times(run: int, means: list[float], n_seeds: int = 10) -> np.ndarray:
    generator = np.random.default_rng([1, run])
    return (
        np.array(means) + generator.normal(size=(n_seeds, 1)) + generator.normal(size=(n_seeds, len(means)))
    )


@pytest.mark.parametrize("means", [[0, 0, 0, 0, 0], [0, 0.1, 0.2, 1, 2], [0, 1, 1, 1, 1]])
def test_it_holds_the_best(means: list[float]) -> None:
    held = [may_be_best(times(run, [float(m) for m in means]))[0] for run in range(300)]
    assert np.mean(held) >= 0.92


def test_what_is_clearly_worse_is_left_out() -> None:
    assert may_be_best(times(0, [0, 0, 9])).tolist() == [True, True, False]


def test_where_nothing_spreads_all_stay() -> None:
    assert may_be_best(np.ones((5, 3))).all()


@pytest.mark.parametrize("n_values", [2, 3, 5])
def test_the_critical_value_is_dunnett_s(n_values: int) -> None:
    """The quantile of equally correlated t variables, which SciPy integrates."""
    others = n_values - 1
    together = stats.multivariate_t(shape=0.5 + 0.5 * np.eye(others), df=60)
    found = critical_value(n_values, 60)
    assert together.cdf(np.full(others, found), random_state=0) == pytest.approx(0.95, abs=0.003)
