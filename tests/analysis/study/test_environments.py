"""A study over several environments: sentences and figures about each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution

from analysis.estimates import blocked
from analysis.estimates.blocked import Shuffler
from analysis.estimates.environments import overall_difference
from analysis.study import write_report
from analysis.study.confirmation import compare
from analysis.study.data import StudyData, read_study
from analysis.study.environments import InEnvironment, in_environments, rows, worst_environments
from analysis.study.findings import confirmation_rows, confirmed, overview
from tests.analysis.study.test_confirmation import content

NAMES = ("cartpole", "acrobot", "mine")
SCORES = [(0.9, 0.1, 0.5), (0.7, 0.5, 0.6), (0.2, 0.6, 0.4), (0.9, 0.3, -np.inf)]
"""Of four proposals in these environments; number 1 is the best."""


def make(objective: str = "aulc", direction: str = "maximize") -> optuna.Study:
    study = optuna.create_study(direction=direction)
    study.set_user_attr("objectives", [objective])
    study.set_user_attr("environments", list(NAMES))
    for place, of_each in enumerate(SCORES):
        study.add_trial(
            optuna.create_trial(
                params={"lr": 0.1 * (place + 1)},
                distributions={"lr": FloatDistribution(0, 1)},
                value=float(np.mean(of_each)),
                user_attrs={
                    "by_environment": {objective: dict(zip(NAMES, of_each, strict=True))},
                    "scores": {
                        f"{objective}.{name}": [one] for name, one in zip(NAMES, of_each, strict=True)
                    },
                },
            )
        )
    return study


def data(objective: str = "aulc", direction: str = "maximize") -> StudyData:
    return read_study(make(objective, direction))


def test_the_best_is_ranked_in_each_environment() -> None:
    study = data()
    assert in_environments(study, study.goals[0]) == [
        InEnvironment("cartpole", 0.7, 2, 0, 0.9),
        InEnvironment("acrobot", 0.5, 2, 2, 0.6),
        InEnvironment("mine", 0.6, 1, 1, 0.6),
    ]
    (first, *_) = rows(study, study.goals[0])
    assert list(first.values()) == ["cartpole", "0.7", "2 of 3", "0.9 (proposal 0)"]


def test_where_the_best_is_worst() -> None:
    assert list(worst_environments(data())) == [
        "Proposal 1, the best, does worst in acrobot: aulc is 0.5 there (0: random play, 1: the threshold); "
        "proposal 2 reached 0.6."
    ]


def test_of_times_the_least_is_best_and_the_most_is_worst() -> None:
    """Shares of the budget: the best proposal is the one of least mean."""
    (told,) = worst_environments(data("steps_to_convergence", "minimize"))
    assert told == (
        "Proposal 2, the best, does worst in acrobot: steps_to_convergence is 0.6 there (0: no step, 1: the "
        "whole budget); proposal 0 reached 0.1."
    )


def test_a_study_of_one_environment_says_nothing_of_them() -> None:
    study = optuna.create_study()
    study.add_trial(optuna.create_trial(value=1.0))
    told = " ".join(overview(read_study(study)))
    assert "Each was trained on" not in told
    assert "does worst" not in told


def test_the_page_has_a_section_by_environment(tmp_path: Path) -> None:
    page = write_report(make(), tmp_path).read_text()
    assert "Each was trained on all of cartpole, acrobot, mine, and scored" in page
    assert '<section id="environments">' in page
    assert "<td>2 of 3</td><td>0.9 (proposal 0)</td>" in page
    assert (tmp_path / "figures" / "environments_aulc.png").stat().st_size > 5000
    header = (tmp_path / "tables" / "trials.csv").read_text().splitlines()[0]
    assert "aulc,aulc.cartpole,aulc.acrobot,aulc.mine,params.lr,aulc.cartpole.0," in header


@pytest.mark.parametrize("objective", ["aulc", "steps_to_convergence"])
def test_one_permutation_of_a_seed_serves_all_environments(objective: str) -> None:
    """As in a sweep over environments: sums of standardised scores."""
    rng = np.random.default_rng(2)
    times = rng.choice(np.linspace(0.1, 1, 10), size=(2, 2, 8))  # configuration, environment, seed
    events = times < 1
    of = content(times[0].mean(axis=0), times[1].mean(axis=0), objective=objective)
    of["environments"] = ["a", "b"]
    for row, scores, happened in zip(of["configurations"], times, events, strict=True):
        for name, one, seen in zip(("a", "b"), scores.tolist(), happened.tolist(), strict=True):
            row["scores"][f"{objective}.{name}"] = one
            if objective == "steps_to_convergence":
                row["converged"][f"{objective}.{name}"] = seen
    found = compare(of)
    one = found.against[objective, "0001"]
    assert one.p is not None
    if objective == "steps_to_convergence":
        trials = blocked.Trials(
            times.ravel(), events.ravel().astype(float), np.repeat([0, 1], 16), np.tile(np.arange(8), 4),
            np.tile(np.repeat([0, 1], 8), 2),
        )  # fmt: skip
        theirs = overall_difference(trials, trials.strata, 0, 1, Shuffler(np.random.default_rng(0)))
        assert one.p == theirs
    assert found.n_tests == 1  # the environments are described
    apart = found.against[f"{objective}.b", "0001"]
    assert (apart.p, apart.difference) == (None, pytest.approx((times[1, 1] - times[0, 1]).mean()))
    (sentence,) = confirmed(found)
    assert ". By environment: a " in sentence
    default, _ = confirmation_rows(found, objective)
    assert list(default)[:5] == ["configuration", "search", "fresh seeds", "a", "b"]
    assert [row["environment"] for row in found.table()] == ["all", "all", "a", "a", "b", "b"]


def test_the_worst_seed_of_each_environment_counts_where_it_did_in_the_search() -> None:
    of = content([0.0] * 6, [0.5] * 6, aggregate="worst", environments=["a", "b"])
    for row, scores in zip(of["configurations"], ([0.0] * 12, [0, 1] * 3 + [4, 2] * 3), strict=True):
        row["scores"] |= {"aulc.a": scores[:6], "aulc.b": scores[6:]}
    found = compare(of)
    assert found.score(found.winners[0], "aulc") == (0 + 2) / 2
