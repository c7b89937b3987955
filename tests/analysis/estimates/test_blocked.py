"""The permutation test within seeds, against known answers, an independent count, and simulated sweeps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations, product
from typing import Any

import numpy as np
import pytest

from analysis.estimates import blocked
from analysis.estimates.blocked import (
    PValue,
    Shuffler,
    Trials,
    advantage,
    against,
    comparable,
    log_rank_scores,
    omnibus,
    trend,
    umbrella,
)


def simulate(
    generator: np.random.Generator,
    n_seeds: int,
    ratios: Sequence[float],
    correlation: float,
    n_strata: int = 1,
) -> Trials:
    """Lognormal times of variation 0.5, seen every 2 000 steps up to 50 000; trials of a seed are related."""
    shape = n_seeds, len(ratios), n_strata
    common = generator.normal(size=(n_seeds, 1, 1))
    noise = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * generator.normal(size=shape)
    times = 20_000 * np.array(ratios)[None, :, None] * np.exp(np.sqrt(np.log(1.25)) * noise)
    times = np.ceil(times / 2000) * 2000
    seeds, values, strata = (place.ravel() for place in np.indices(shape))
    return Trials(
        np.minimum(times, 50_000).ravel(), (times <= 50_000).astype(float).ravel(), values, seeds, strata
    )


def shuffler(permutations: int = 2000) -> Shuffler:
    return Shuffler(np.random.default_rng(1), permutations)


def test_scores_are_observed_less_expected_events() -> None:
    """Counted by hand, moment for moment, for the example whose log-rank statistic is 0.88793544."""
    times = np.array([10, 20, 20, 50, 50, 30, 40, 50, 50, 50.0])
    events = np.array([1, 1, 1, 0, 0, 1, 1, 0, 0, 0.0])
    first = np.arange(10) < 5
    expected, variance = 0.0, 0.0
    for moment in (10, 20, 30, 40):
        risk, of_first = (times >= moment).sum(), (times[first] >= moment).sum()
        happened = events[times == moment].sum()
        share = of_first / risk
        expected += happened * share
        variance += happened * share * (1 - share) * (risk - happened) / (risk - 1)
    scores = log_rank_scores(times, events, np.zeros(10))
    assert scores[first].sum() == pytest.approx(events[first].sum() - expected)
    assert scores[first].sum() ** 2 / variance == pytest.approx(0.88793544)
    assert scores.sum() == pytest.approx(0)


def test_scores_know_only_their_stratum() -> None:
    times, events = np.array([10, 20, 1000, 2000.0]), np.ones(4)
    scores = log_rank_scores(times, events, np.array([0, 0, 1, 1]))
    assert scores[:2] == pytest.approx(scores[2:])


def test_few_permutations_are_all_counted() -> None:
    """The same p as from a loop over every order of every seed's trials."""
    trials = simulate(np.random.default_rng(3), 4, [1, 1.5, 2], 0.3)
    table = log_rank_scores(trials.times, trials.events, trials.strata).reshape(4, 3)
    orders = product(permutations(range(3)), repeat=4)
    sums = [sum(row[list(order)] for row, order in zip(table, rows, strict=True)) for rows in orders]
    spread = [((s - s.mean()) ** 2).sum() for s in sums]
    observed = ((table.sum(axis=0) - table.sum(axis=0).mean()) ** 2).sum()
    assert omnibus(trials, shuffler()) == PValue(float(np.mean(np.array(spread) >= observed - 1e-9)), False)


def test_many_permutations_are_drawn_and_agree_with_all_of_them() -> None:
    trials = simulate(np.random.default_rng(5), 6, [1, 1.4], 0.3)
    all_of_them, drawn = (omnibus(trials, shuffler(count)) for count in (64, 63))
    many = Shuffler(np.random.default_rng(0), 40_000)
    many_drawn = np.mean([omnibus(trials, Shuffler(np.random.default_rng(i), 63)).p for i in range(300)])  # type: ignore[union-attr]
    assert all_of_them == omnibus(trials, many)
    assert drawn is not None
    assert all_of_them is not None
    assert many_drawn == pytest.approx(all_of_them.p * 63 / 64 + 1 / 64, abs=0.02)


def test_a_floor_is_told() -> None:
    trials = simulate(np.random.default_rng(0), 12, [1, 4, 8], 0.5)
    assert omnibus(trials, shuffler(500)) == PValue(1 / 501, True)


def test_two_values_have_one_p() -> None:
    trials = simulate(np.random.default_rng(0), 20, [1, 1.3], 0.5)
    tests = shuffler()
    assert against(trials, 0, tests) == {1: omnibus(trials, tests)}
    assert against(trials, 1, tests) == {0: omnibus(trials, tests)}


def test_six_seeds_and_two_values_can_reach_one_in_32() -> None:
    trials = simulate(np.random.default_rng(0), 6, [1, 3], 0.9)
    found = omnibus(trials, shuffler())
    assert found == PValue(2 / 64, False)
    assert blocked.smallest_p(6) == 2 / 64


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_without_an_effect_five_percent_are_found(correlation: float) -> None:
    found = [
        found_any(simulate(np.random.default_rng([1, i]), 10, [1, 1, 1], correlation)) for i in range(400)
    ]
    assert 0.02 < np.mean([by_omnibus for by_omnibus, _ in found]) < 0.08
    assert 0.01 < np.mean([by_comparison for _, by_comparison in found]) < 0.075


def found_any(trials: Trials) -> tuple[bool, bool]:
    tests = shuffler(500)
    whole = omnibus(trials, tests)
    assert whole is not None
    return whole.p < 0.05, any(found.p < 0.05 for found in against(trials, 0, tests).values())


@pytest.mark.parametrize(("correlation", "power"), [(0.0, 0.36), (0.5, 0.64), (0.8, 0.93)])
def test_related_trials_help(correlation: float, power: float) -> None:
    """One value of three 1.5 times as slow, 10 seeds: what was simulated beforehand, +- 3 standard errors."""
    runs = 200
    found = [
        found_any(simulate(np.random.default_rng([2, i]), 10, [1, 1, 1.5], correlation))[0]
        for i in range(runs)
    ]
    assert np.mean(found) == pytest.approx(power, abs=3 * np.sqrt(power * (1 - power) / runs))


def test_an_axis_that_copies_its_trials_proves_nothing() -> None:
    """Beside an axis with an effect, the values of another one repeat the same trials."""
    wrong = []
    for i in range(200):
        one = simulate(np.random.default_rng([3, i]), 10, [1, 1, 1], 0.3)
        copies = Trials(*(np.tile(column, 2) for column in one))
        copies = copies._replace(strata=np.repeat([0, 1], len(one.times)))
        found = omnibus(copies, shuffler(500))
        wrong.append(found is not None and found.p < 0.05)
    assert np.mean(wrong) <= 0.085


def test_an_unbalanced_grid_is_compared_within_its_strata() -> None:
    """lr = 0.2 is slower with both batches, but was tried mostly with the quick one."""
    generator = np.random.default_rng(0)
    times, values, strata, seeds = [], [], [], []
    for value, stratum, n in ((0, 0, 4), (0, 1, 16), (1, 0, 16), (1, 1, 4)):
        quick, slow = (5_000, 30_000)
        for _ in range(n):
            times.append((quick, slow)[stratum] * (1.4 if value else 1) * generator.uniform(0.9, 1.1))
            values.append(value)
            strata.append(stratum)
            seeds.append(len(seeds))
    trials = Trials(np.array(times), np.ones(40), np.array(values), np.array(seeds), np.array(strata))
    together = trials._replace(strata=np.zeros(40, int))
    stratified, free = omnibus(trials, shuffler()), omnibus(together, shuffler())
    assert stratified is not None
    assert free is not None
    assert stratified.p < 0.002
    assert advantage(trials, 0, 1) < 0 < advantage(together, 0, 1)


def test_only_what_every_value_was_tried_with_is_compared() -> None:
    trials = simulate(np.random.default_rng(0), 5, [1, 1, 1], 0.3, n_strata=2)
    lost = (trials.values == 2) & (trials.seeds == 0) & (trials.strata == 1)
    compared = comparable(trials.where(~lost))
    assert compared is not None
    assert compared.shares_seeds
    assert len(compared.trials.times) == 5 * 3 * 2 - 3
    never = (trials.values == 2) & (trials.strata == 1)
    compared = comparable(trials.where(~never))
    assert compared is not None
    assert set(compared.trials.strata) == {0}


def test_values_that_never_met_are_not_compared() -> None:
    trials = simulate(np.random.default_rng(0), 5, [1, 1], 0.3, n_strata=2)
    apart = trials.where(trials.values == trials.strata)
    assert comparable(apart) is None
    assert omnibus(apart, shuffler()) is None
    assert against(apart, 0, shuffler()) == {}


def test_seeds_that_are_not_shared_change_places_freely() -> None:
    trials = simulate(np.random.default_rng(0), 10, [1, 3], 0.0)
    own = trials._replace(seeds=np.arange(20))
    compared = comparable(own)
    assert compared is not None
    assert not compared.shares_seeds
    assert len(compared.trials.times) == 20
    found = omnibus(own, shuffler())
    assert found is not None
    assert found.p < 0.01


def test_the_closed_test_takes_the_largest_p() -> None:
    """By hand from the tests of the three sets that hold a value."""
    trials = simulate(np.random.default_rng(7), 8, [1, 1.2, 1.6], 0.4)
    tests = shuffler()
    both = against(trials, 0, tests)
    pairs = [against(trials.among([0, code]), 0, tests)[1] for code in (1, 2)]
    comparison = comparable(trials)
    assert comparison is not None
    together = tests.p_value(comparison, blocked.largest_difference)
    assert both == {1: max(pairs[0], together), 2: max(pairs[1], together)}


@pytest.mark.parametrize(("n_values", "steps_down"), [(8, False), (9, True)])
def test_up_to_eight_values_every_subset_is_tested(n_values: int, steps_down: bool) -> None:
    """The number that the report's methods tell; there are 127 subsets of seven other values."""
    tested = 0

    class Counting(Shuffler):
        def p_value(self, *arguments: Any) -> PValue:
            nonlocal tested
            tested += 1
            return super().p_value(*arguments)

    against(
        simulate(np.random.default_rng(0), 6, [1] * n_values, 0.5), 0, Counting(np.random.default_rng(1), 20)
    )
    assert tested == (n_values - 1 if steps_down else 127)


def test_many_values_step_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than eight; and on four values it agrees with the closed test that it abbreviates."""
    many = against(simulate(np.random.default_rng(0), 10, [1] * 8 + [1.2, 4], 0.5), 0, shuffler())
    assert len(many) == 9
    assert [code for code, found in many.items() if found.p < 0.05] == [9]
    few = simulate(np.random.default_rng(0), 10, [1, 1.2, 1.6, 2.5], 0.5)
    closed = against(few, 0, shuffler())
    monkeypatch.setattr(blocked, "CLOSED_UP_TO", 0)
    stepped = against(few, 0, shuffler())
    assert {code: stepped[code].p for code in closed} == pytest.approx(
        {code: found.p for code, found in closed.items()}, abs=0.02
    )


def test_ordered_values_are_tested_as_such() -> None:
    """Seven values, 10 seeds: the trend and the umbrella find more than the omnibus does."""
    gradual, bowl = np.linspace(1, 1.5, 7), 1 + np.abs(np.linspace(-0.5, 0.5, 7))
    found: dict[str, list[bool]] = {"trend": [], "umbrella": [], "omnibus": [], "none": []}
    for i in range(100):
        sloping = simulate(np.random.default_rng([4, i]), 10, gradual.tolist(), 0.5)
        bent = simulate(np.random.default_rng([5, i]), 10, bowl.tolist(), 0.5)
        level = simulate(np.random.default_rng([6, i]), 10, [1] * 7, 0.5)
        tests = shuffler(500)
        for name, result in (
            ("trend", trend(sloping, tests)),
            ("omnibus", omnibus(sloping, tests)),
            ("umbrella", umbrella(bent, tests)),
            ("none", umbrella(level, tests)),
        ):
            found[name].append(result is not None and result.p < 0.05)
    shares = {name: np.mean(results) for name, results in found.items()}
    assert shares["trend"] == pytest.approx(0.80, abs=0.12)
    assert shares["omnibus"] == pytest.approx(0.57, abs=0.15)
    assert shares["umbrella"] == pytest.approx(0.74, abs=0.13)
    assert shares["none"] <= 0.12


@pytest.mark.parametrize(
    ("advantage", "interval", "direction"),
    [
        (2.0, (0.5, 0.9), "faster"),
        (-2.0, (1.1, 2.0), "slower"),
        (2.0, (0.8, 1.2), "neither is faster throughout"),
        (-2.0, (0.5, 0.9), "neither is faster throughout"),
        (-2.0, (np.nan, np.nan), "slower"),
    ],
)
def test_the_direction_is_that_of_the_scores_where_the_ratio_agrees(
    advantage: float, interval: tuple[float, float], direction: str
) -> None:
    assert blocked.direction(advantage, interval) == direction
