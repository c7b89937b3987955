"""Denormal numbers are treated as zero during an update only."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from dqn_exp.agent.fused.compilation import OPTIONS
from dqn_exp.agent.fused.denormals import IS_X86, flush_denormals, restore_denormals
from dqn_exp.replay import Transitions
from tests.agent.test_learners import DEEP, configure, make_learner

TINY = np.float32(1e-30)

pytestmark = pytest.mark.skipif(not IS_X86, reason="only x86 has this mode")


@numba.njit(**OPTIONS)
def squares(values: np.ndarray, out: np.ndarray) -> None:
    mode = flush_denormals()
    out[0] = values[0] * values[1]
    restore_denormals(mode)
    out[1] = values[0] * values[1]


def test_products_are_flushed_only_in_between() -> None:
    out = np.ones(2, np.float32)
    squares(np.array([TINY, np.float32(1e-10)]), out)
    assert out[0] == 0
    assert 0 < out[1] < np.finfo(np.float32).tiny


def test_moments_of_silent_units_become_zero() -> None:
    learner = make_learner("fused", configure(DEEP), DEEP)
    n_in = learner._n_in
    rows = np.zeros((4, n_in), np.float32)
    numbers = np.zeros(4, np.float32)
    transitions = Transitions(rows, np.zeros(4, np.int64), numbers, rows, numbers)
    learner._networks.online[:] = 0  # no gradient reaches a weight
    learner._networks.slots[:] = np.finfo(np.float32).tiny
    learner.update(transitions, np.arange(4), None)
    assert not learner._networks.slots[0].any()
    assert TINY * np.float32(1e-10) > 0  # the mode ended with the update
