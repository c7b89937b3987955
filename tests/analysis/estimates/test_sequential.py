"""Looks at growing numbers of seeds, compared with rates that were simulated beforehand."""

from __future__ import annotations

from math import log
from pathlib import Path
from unittest.mock import create_autospec

import numpy as np
import pytest
import yaml

from analysis.estimates.blocked import Shuffler, Trials, against
from analysis.estimates.sequential import Decisions, Design, Set, TrialsBySeed, decide
from tests.analysis.estimates.test_blocked import simulate

HORIZON = 50_000
QUICK = Design(paths=600)
SEEDS = range(30)


def decided(ratios: list[float], correlation: float, run: int, design: Design = QUICK) -> Decisions:
    trials = simulate(np.random.default_rng([9, run, int(correlation * 10)]), 30, ratios, correlation)
    return decide(trials, SEEDS, 0, HORIZON, design)


def first(trials: Trials, counts: list[int]) -> Trials:
    """The first seeds of each value alone."""
    return trials.where(trials.seeds < np.array(counts)[trials.values])


def test_what_is_simulated_is_what_sweeps_do_by_default() -> None:
    seeds = yaml.safe_load((Path(__file__).parents[3] / "conf" / "config.yaml").read_text())["seeds"]
    design = Design()
    assert (list(design.looks), list(design.margin), design.alpha) == (
        seeds["looks"],
        seeds["margin"],
        seeds["alpha"],
    )


def test_the_error_is_spent_as_pocock_would() -> None:
    design = Design()
    assert design.spent(4) == pytest.approx(0.05)
    assert design.spent(0) == pytest.approx(0.05 * log(1 + 1.718281828 * 8 / 30))
    assert [design.equivalence_level(look, 2) for look in range(5)] == pytest.approx([1 - 2 * 0.05 / 10] * 5)
    assert [design.unspent(taken) for taken in (0, 1, 5)] == pytest.approx([1, 1 - design.spent(0) / 0.05, 0])


def test_looks_that_are_added_spend_what_is_left() -> None:
    """By the same function, so that the old looks in other words change nothing."""
    design, longer = Design(), Design().extended((8, 12, 16, 20, 30, 45, 60), taken=4)
    assert [longer.spent(look) for look in range(4)] == [design.spent(look) for look in range(4)]
    assert [longer.equivalence_level(look, 2) for look in (0, 3)] == [design.equivalence_level(0, 2)] * 2
    share = (log(1 + 1.718281828 / 2) - log(1 + 1.718281828 / 3)) / (1 - log(1 + 1.718281828 / 3))
    assert longer.spent(4) == pytest.approx(design.spent(3) + (0.05 - design.spent(3)) * share)
    assert longer.spent(6) == pytest.approx(0.05)
    assert [longer.spent_on_equality(look) for look in range(7)] == pytest.approx([0.01] * 4 + [0.01 / 3] * 3)
    again = design.extended(design.looks, taken=2)
    assert [again.spent(look) for look in range(5)] == pytest.approx(
        [design.spent(look) for look in range(5)]
    )


def test_a_reserve_is_left_for_later_looks() -> None:
    design = Design(reserve=0.2)
    assert design.spent(4) == pytest.approx(0.04)
    assert sum(map(design.spent_on_equality, range(5))) == pytest.approx(0.04)
    assert design.unspent(5) == pytest.approx(0.2)
    longer = design.extended((*design.looks, 45, 60), taken=5, reserve=0.1)
    assert [longer.spent(look) for look in (4, 6)] == pytest.approx([0.04, 0.045])
    assert longer.unspent(7) == pytest.approx(0.1)
    longest = longer.extended((*longer.looks, 90), taken=7)
    assert [longest.spent(look) for look in (4, 6, 7)] == pytest.approx([0.04, 0.045, 0.05])
    assert longest.unspent(8) == 0


def test_what_was_decided_stays_when_looks_are_added() -> None:
    """Bit for bit; and who was not decided by then may be."""
    trials = simulate(np.random.default_rng(5), 60, [1, 1.25, 4], 0.5)
    design = Design(paths=600, reserve=0.2)
    before = decide(first(trials, [30] * 3), range(30), 0, HORIZON, design)
    longer = design.extended((*design.looks, 45, 60), taken=5)
    after = decide(trials, range(60), 0, HORIZON, longer)
    assert after.looks[: len(before.looks)] == before.looks
    assert before.verdicts == {1: "undecided", 2: "differs"}
    assert after.verdicts == {1: "differs", 2: "differs"}
    assert after.looks[-1].boundary > before.looks[-1].boundary == pytest.approx(0.04)


def test_of_permuted_sweeps_no_more_are_told_than_is_spent() -> None:
    """Also when looks were added, before the last one and after it."""
    trials = simulate(np.random.default_rng(7), 60, [1, 1, 1], 0.5)
    looks = (8, 12, 16, 20, 30, 45, 60)
    for design in (Design().extended(looks, 4), Design(reserve=0.2).extended(looks, 5)):
        table, one = TrialsBySeed(trials, range(60), 4000), Set((1, 2))
        for number, count in enumerate(looks):
            one.look(table, 0, [count] * 3, design.spent(number))
            assert not one.rejected
            assert design.spent(number) - 0.001 < one.crossed.mean() <= design.spent(number)
        assert design.spent(6) == pytest.approx(0.05)


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_without_an_effect_few_are_told(correlation: float) -> None:
    runs = 60
    wrong = ["differs" in decided([1, 1, 1], correlation, run).verdicts.values() for run in range(runs)]
    assert np.mean(wrong) <= 0.06 + 0.05


@pytest.mark.parametrize(
    ("ratio", "correlation", "power", "trials"),
    [(1.5, 0.0, 0.68, 83), (1.5, 0.5, 0.92, 78), (2.0, 0.0, 0.98, 73), (2.0, 0.5, 1.0, 69)],
)
def test_an_effect_is_found_with_fewer_trials(
    ratio: float, correlation: float, power: float, trials: float
) -> None:
    runs = 60
    found = [decided([1, 1, ratio], correlation, run) for run in range(runs)]
    share = np.mean([decisions.verdicts[2] == "differs" for decisions in found])
    assert share == pytest.approx(power, abs=3 * np.sqrt(power * (1 - power) / runs) + 0.02)
    assert np.mean([sum(decisions.seeds_needed) for decisions in found]) == pytest.approx(trials, abs=3.5)


def test_a_wide_margin_is_met() -> None:
    """Equal values, margin 1.5, correlation 0.5: 0.945 found equal with at most 62 of 90 trials."""
    design = Design(margin=(1 / 1.5, 1.5), paths=600)
    found = [decided([1, 1, 1], 0.5, run, design) for run in range(60)]
    equal = [verdict == "equal" for decisions in found for verdict in decisions.verdicts.values()]
    assert np.mean(equal) == pytest.approx(0.945, abs=0.06)
    assert np.mean([sum(decisions.seeds_needed) for decisions in found]) < 62


def test_what_lies_at_the_margin_is_seldom_called_equal() -> None:
    design = Design(margin=(1 / 1.5, 1.5), paths=200)
    found = [decided([1, 1, 1.5], 0.5, run, design).verdicts[2] == "equal" for run in range(80)]
    assert np.mean(found) <= 0.05 + 0.04


def test_looks_stay_as_they_were_when_seeds_are_added() -> None:
    trials = simulate(np.random.default_rng(4), 30, [1, 1.1, 1.6], 0.3)
    whole = decide(trials, SEEDS, 0, HORIZON, QUICK)
    for count in (8, 12, 16, 20):
        part = decide(first(trials, [count] * 3), SEEDS, 0, HORIZON, QUICK)
        assert part.looks == [look for look in whole.looks if look.seeds <= count]


def test_who_is_decided_gets_no_more_seeds_and_nobody_misses_them() -> None:
    trials = simulate(np.random.default_rng(0), 30, [1, 1, 4], 0.5)
    whole = decide(trials, SEEDS, 0, HORIZON, QUICK)
    assert whole.verdicts == {1: "undecided", 2: "differs"}
    assert whole.seeds_needed == [30, 30, 12]
    assert whole.is_over
    assert decide(first(trials, whole.seeds_needed), SEEDS, 0, HORIZON, QUICK) == whole


def test_a_look_waits_for_its_trials_but_not_for_lost_ones() -> None:
    trials = simulate(np.random.default_rng(1), 8, [1, 1, 1], 0.3)
    missing = (trials.values == 1) & (trials.seeds == 5)
    waiting = decide(trials.where(~missing), SEEDS, 0, HORIZON, QUICK)
    assert waiting == Decisions([], [8, 8, 8], is_over=False)
    going_on = decide(trials.where(~missing), SEEDS, 0, HORIZON, QUICK, lost={(1, 5)})
    assert [look.seeds for look in going_on.looks] == [8, 8]
    assert going_on.seeds_needed == [12, 12, 12]


def test_who_gave_the_same_trials_gets_no_more_seeds() -> None:
    trials = simulate(np.random.default_rng(1), 12, [1, 1, 1], 0.3)
    design = Design(looks=(8, 12), paths=200)
    same = {(1, seed) for seed in range(8)}
    found = decide(trials, range(12), 0, HORIZON, design, same=same)
    assert found.verdicts == {1: "same", 2: "undecided"}
    assert found.seeds_needed == [12, 8, 12]
    nearly = decide(trials, range(12), 0, HORIZON, design, same=same - {(1, 7)})
    assert nearly.verdicts[1] == "undecided"


def test_the_first_look_is_a_fixed_test_at_its_boundary() -> None:
    """With one look the design is the closed test."""
    trials = simulate(np.random.default_rng(2), 10, [1, 1.3, 2.0], 0.5)
    fixed = against(trials, 0, Shuffler(np.random.default_rng(0), 4000))
    design = Design(looks=(10,), paths=4000)
    looks = decide(trials, range(10), 0, HORIZON, design).looks
    assert {look.value: look.p for look in looks} == pytest.approx(
        {code: found.p for code, found in fixed.items()}, abs=0.02
    )
    assert [look.boundary for look in looks] == pytest.approx([0.05, 0.05])


def test_the_direction_of_a_permutation_is_its_seed_s() -> None:
    """Other seeds, other paths; the same seeds in another order of training, the same looks at the end."""
    trials = simulate(np.random.default_rng(3), 8, [1, 1.4], 0.5)
    design = Design(looks=(8,), paths=500)
    forwards = decide(trials, range(8), 0, HORIZON, design).looks[0]
    backwards = decide(trials, range(7, -1, -1), 0, HORIZON, design).looks[0]
    others = decide(trials._replace(seeds=trials.seeds + 100), range(100, 108), 0, HORIZON, design).looks[0]
    assert forwards.p == backwards.p
    assert forwards.p != others.p


def test_p_counts_the_data_among_the_permutations() -> None:
    """Two of 99 paths go as far as the data: p = (1 + 2) / (1 + 99), as in Phipson & Smyth 2010."""
    table = create_autospec(TrialsBySeed, instance=True)
    paths = np.zeros((99, 1))
    paths[:2] = [[3.0], [-4.0]]
    table.differences.return_value = np.array([-3.0]), paths
    tested = Set((1,))
    tested.look(table, 0, [5, 5], boundary=0.02)
    assert (tested.p, tested.rejected) == (0.03, False)
