"""Planned numbers of seeds, against numbers computed beforehand and against simulated pilots."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.estimates.planning import (
    Need,
    needs,
    pilot_variance,
    seeds_for_equivalence,
    seeds_for_ratio,
    variance,
)


@pytest.mark.parametrize(
    ("ratio", "correlation", "seeds"),
    [(1.25, 0, 81), (1.25, 0.5, 42), (1.5, 0, 26), (1.5, 0.5, 14), (2, 0, 11), (2, 0.5, 7)],
)
def test_seeds_for_a_ratio(ratio: float, correlation: float, seeds: int) -> None:
    assert seeds_for_ratio(ratio, variance(0.5, correlation)) == seeds
    assert seeds_for_ratio(1 / ratio, variance(0.5, correlation)) == seeds


def test_seeds_for_equivalence() -> None:
    assert seeds_for_equivalence(variance(0.5, 0)) == 88
    assert seeds_for_equivalence(variance(0.5, 0.5)) == 45


def test_more_power_and_smaller_effects_need_more() -> None:
    assert needs(variance(0.5, 0), [1.25, 2]) == [
        Need("1.25 times as long", 102),
        Need("2 times as long", 11),
        Need("practically equal (0.8 to 1.25)", 88),
    ]
    assert seeds_for_ratio(1.5, 0.5, power=0.9) > seeds_for_ratio(1.5, 0.5)


def test_a_pilot_is_taken_with_caution() -> None:
    """The upper 80% limit holds the true variance in 80% of pilots."""
    generator = np.random.default_rng(0)
    true = variance(0.2, 0)
    pilots = generator.normal(1, 0.2, size=(400, 2, 12))
    limits = [pilot_variance(x, y) for x, y in pilots]
    assert np.mean(np.array(limits) >= true) == pytest.approx(0.8, abs=0.06)
