"""The learning curve of a trial over each of its clocks."""

from __future__ import annotations

import numpy as np
import pytest

from dqn_exp.runs.evaluations import learning_curve


@pytest.mark.parametrize(("clock", "times"), [("env_step", [100, 200]), ("episode", [3, 8])])
def test_a_curve_has_the_returns_over_its_clock(clock: str, times: list[float]) -> None:
    columns = {"env_step": [100, 200], "episode": [3, 8], "mean_return": [9.5, 12.0], "std_return": [1, 1]}
    curve = learning_curve({name: np.array(values, float) for name, values in columns.items()}, clock)
    assert curve.times.tolist() == times
    assert curve.returns.tolist() == [9.5, 12.0]


def test_without_evaluations_a_curve_is_empty() -> None:
    assert [len(column) for column in learning_curve({}, "env_step")] == [0, 0]
