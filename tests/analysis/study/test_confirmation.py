"""Confirmation on fresh seeds, against SciPy and statsmodels, and for studies with a known answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from analysis.estimates import blocked
from analysis.estimates.blocked import Shuffler
from analysis.study.confirmation import compare, interval
from analysis.study.findings import confirmation_rows, confirmed

RNG = np.random.default_rng(1)
LUCK = RNG.normal(size=10)
"""What the trials of a seed have in common."""


def content(
    default: Sequence[float],
    *winners: Sequence[float],
    objective: str = "aulc",
    converged: Sequence[Sequence[bool]] | None = None,
    **more: object,
) -> dict[str, Any]:
    """A confirmation of proposals 1, 2, ... with these scores of each seed."""
    rows = [
        {
            "name": f"{number:04d}" if number else "default",
            "number": number or None,
            "params": {},
            "search": {objective: 9.0} if number else {},
            "scores": {objective: list(scores)},
            "converged": {objective: list(converged[number])} if converged else {},
            "diverged": sum(not np.isfinite(score) for score in scores),
        }
        for number, scores in enumerate([default, *winners])
    ]
    direction = "minimize" if objective == "steps_to_convergence" else "maximize"
    return {
        "seeds": list(range(1000, 1000 + len(default))),
        "aggregate": "mean",
        "objectives": {objective: direction},
        "configurations": rows,
        **more,
    }


def told(of: Mapping[str, Any]) -> list[str]:
    return [sentence.replace("\u00a0", " ") for sentence in confirmed(compare(of))]


def test_returns_are_tested_in_every_permutation_within_seeds() -> None:
    default, winner = LUCK + RNG.normal(size=10), LUCK + RNG.normal(0.7, size=10)
    one = compare(content(default, winner)).against["aulc", "0001"]
    theirs = stats.permutation_test(
        (winner, default), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf
    )
    assert one.p is not None
    assert one.p.p == pytest.approx(theirs.pvalue)
    assert one.difference == pytest.approx(np.mean(winner - default))
    assert one.interval == pytest.approx(stats.ttest_rel(winner, default).confidence_interval())
    assert one.correlation == pytest.approx(np.corrcoef(winner, default)[0, 1])


def test_times_are_tested_as_in_a_sweep() -> None:
    """Censored ones too: five trials of the default that never converged are as late as late ones."""
    default = [50.0, 50.0, 50.0, 50.0, 50.0, 48.0, 50.0, 46.0]
    winner = [20.0, 30.0, 50.0, 20.0, 48.0, 22.0, 24.0, 50.0]
    events = [[time < 50 for time in times] for times in (default, winner)]
    events[1][2] = True  # at the very end
    of = content(default, winner, objective="steps_to_convergence", converged=events)
    one = compare(of).against["steps_to_convergence", "0001"]
    sweep = blocked.Trials(
        np.array([default, winner]).ravel(), np.array(events, float).ravel(), np.repeat([0, 1], 8),
        np.tile(np.arange(8), 2), np.zeros(16, dtype=np.int64),
    )  # fmt: skip
    assert one.p == blocked.against(sweep, 0, Shuffler(np.random.default_rng(0)))[1]
    assert one.verdict == "better"


def test_several_winners_are_corrected() -> None:
    winners = [LUCK + RNG.normal(shift, size=10) for shift in (0.9, 1.5, 0.0)]
    found = compare(content(LUCK + RNG.normal(size=10), *winners))
    against = [found.against["aulc", f"000{number}"] for number in (1, 2, 3)]
    p = [one.p.p for one in against if one.p]
    assert [one.p_holm for one in against] == pytest.approx(multipletests(p, method="holm")[1])
    assert found.smallest_p == 3 * 2 / 2**10


def test_what_was_not_searched_for_is_described_only() -> None:
    of = content(LUCK, LUCK + 1)
    of["objectives"]["final_return"] = "maximize"
    for row in of["configurations"]:
        row["scores"]["final_return"] = row["scores"]["aulc"]
    found = compare(of)
    assert found.against["final_return", "0001"].p is None
    assert found.against["final_return", "0001"].difference == pytest.approx(1)
    assert found.n_tests == 1
    assert len(told(of)) == 1


@pytest.mark.parametrize(
    ("shift", "sentence"),
    [
        (1.0, "On 10 fresh seeds, aulc of proposal 1 is better than the default's (p = 0.002): minus the "),
        (-1.0, "is worse than the default's (p = 0.002): minus the default's it is -1"),
        (0.0, "aulc of proposal 1 equals the default's on every seed."),
    ],
)
def test_a_difference_on_every_seed_is_told(shift: float, sentence: str) -> None:
    (only,) = told(content(LUCK, LUCK + shift))
    assert sentence in only


def test_chance_is_not_told_as_a_difference() -> None:
    (only,) = told(content(LUCK, LUCK[::-1] + 1e-3))
    assert "is not shown to differ from the default's (p = " in only


def test_times_whose_means_disagree_have_no_better_side() -> None:
    """The winner is a little earlier on ten seeds, and never there on two."""
    default, winner = [20.0] * 12, [18.0] * 10 + [50.0] * 2
    events = [[time < 50 for time in times] for times in (default, winner)]
    of = content(default, winner, objective="steps_to_convergence", converged=events)
    one = compare(of).against["steps_to_convergence", "0001"]
    assert one.difference > 0
    assert one.p_holm < 0.05
    assert one.verdict == "neither is better throughout"
    assert "differs from the default's (p = 0.039), and neither is better throughout: minus" in told(of)[0]


def test_a_diverged_seed_counts_by_its_rank() -> None:
    """Minus infinity has no mean, and is the worst there is."""
    broken = [-np.inf] * 8 + [1.0, 2.0]
    (only,) = told(content([5.0] * 9 + [3.0], broken))
    assert "is worse than the default's (p = 0.002): a seed diverged, so there is no mean" in only
    (_, row) = confirmation_rows(compare(content([5.0] * 10, broken)), "aulc")
    assert (row["minus the default [95%]"], row["diverged"]) == ("a seed diverged", "8")


@pytest.mark.parametrize(
    ("scores", "diverged", "cause"),
    [
        ([-np.inf, -np.inf, 1.0], 0, "a seed has no score"),
        ([-np.inf, -np.inf, 1.0], 1, "a seed diverged or has no score"),
        ([-np.inf, -np.inf, 1.0], 2, "a seed diverged"),
    ],
)
def test_an_infinite_score_is_explained(scores: list[float], diverged: int, cause: str) -> None:
    """A seed that ended before its first evaluation has no score, and did not diverge."""
    of = content([5.0, 5.0, 5.0], scores)
    of["configurations"][1]["diverged"] = diverged
    assert f"{cause}, so there is no mean difference" in told(of)[0]
    (_, row) = confirmation_rows(compare(of), "aulc")
    assert row["minus the default [95%]"] == cause


def test_the_infinite_score_of_one_environment_is_explained() -> None:
    """It is that of the default here, in one of two environments."""
    of = content([-np.inf, 5.0, 5.0], [5.0, 5.0, 6.0], environments=["here", "there"])
    default, winner = (row["scores"] for row in of["configurations"])
    default |= {"aulc.here": [-np.inf, 5.0, 5.0], "aulc.there": [5.0, 5.0, 5.0]}
    winner |= {"aulc.here": [5.0, 5.0, 6.0], "aulc.there": [5.0, 5.0, 6.0]}
    of["configurations"][0]["diverged"] = 0
    assert "By environment: here a seed has no score, there +0.3333 (-1.101 to +1.768)." in told(of)[0]


@pytest.mark.parametrize(
    ("n", "n_winners", "smallest"), [(1, 1, "1"), (2, 1, "0.5"), (5, 1, "0.062"), (6, 2, "0.062")]
)
def test_few_seeds_prove_nothing(n: int, n_winners: int, smallest: str) -> None:
    """However large the difference: 100 standard deviations."""
    sentences = told(content(LUCK[:n], *[LUCK[:n] + 100 + k + RNG.normal(size=n) for k in range(n_winners)]))
    assert len(sentences) == n_winners + 1
    assert "aulc of proposal 1 is not tested against the default: minus the default's it is +" in sentences[0]
    assert f"cannot give a p below {smallest}: these results only describe" in sentences[-1]


def test_two_seeds_give_no_interval() -> None:
    two, three = (
        compare(content(LUCK[:n], LUCK[:n] + RNG.normal(size=n))).against["aulc", "0001"].interval
        for n in (2, 3)
    )
    assert np.isnan(two).all()
    assert np.isfinite(three).all()


def test_no_interval_has_no_width() -> None:
    """Ten trials at the bound of 500 do not prove that the mean is 500."""
    best = np.full(10, 500.0)
    assert np.isnan(compare(content([9.0] * 10, best)).against["aulc", "0001"].interval).all()
    assert np.isnan(interval(best)).all()
    low, high = interval(best, (0.0, 500.0))
    assert 350 < low < 490 < high <= 500


def test_a_winner_that_is_the_default_is_not_compared_with_itself() -> None:
    of = content(LUCK, LUCK + 1)
    of["configurations"][0] |= {"number": 7, "search": {"aulc": 12.0}}
    first, second = told(of)
    assert first == "Proposal 7 is the default configuration itself, and is not compared with it."
    assert "proposal 1 is better" in second
    default, _ = confirmation_rows(compare(of), "aulc")
    assert (default["configuration"], default["search"]) == ("default (proposal 7)", "12")
    alone = {**of, "configurations": of["configurations"][:1]}
    assert told(alone) == [first]


def test_a_confirmation_of_an_earlier_version_is_read() -> None:
    """It did not tell which trials had converged."""
    of = content([50.0] * 10, LUCK + 20, objective="steps_to_convergence")
    for row in of["configurations"]:
        del row["converged"], row["number"]
    one = compare(of).against["steps_to_convergence", "0001"]
    assert one.verdict == "better"
    assert one.p is not None
    assert one.p.p == 2 / 2**10


def test_what_is_recorded_is_plain() -> None:
    default, winner = compare(content(LUCK[:2], LUCK[:2] + 1)).differences()
    assert default == {}
    assert winner == {
        "aulc": {
            "mean": pytest.approx(1), "low": None, "high": None, "correlation": pytest.approx(1), "p": None,
            "p_holm": None,
        }
    }  # fmt: skip
