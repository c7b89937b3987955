"""Importances count only above the limit of shuffled scores, and are tested only on independent proposals."""

from __future__ import annotations

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution

from analysis.study.data import StudyData, read_study
from analysis.study.findings import importances as told
from analysis.study.importance import FEWEST, Importances, importances
from tests.analysis.study.test_report import make

UNIT = FloatDistribution(0, 1)


def found_in(data: StudyData, seed: int = 0, shuffles: int = 19) -> Importances:
    found = importances(data, data.goals[0], np.random.default_rng(seed), shuffles)
    assert found is not None
    return found


def sentence(found: Importances | None) -> str:
    (only,) = told({"aulc": found})
    return only.replace("\u00a0", " ")


def study_of(points: np.ndarray, values: np.ndarray) -> StudyData:
    """Random proposals of parameters a, b, ..."""
    study = optuna.create_study()
    for point, value in zip(points.tolist(), values.tolist(), strict=True):
        params = dict(zip("abcdefgh", point, strict=False))
        attributes = {"drawn": "random"}
        distributions = dict.fromkeys(params, UNIT)
        study.add_trial(
            optuna.create_trial(
                params=params, distributions=distributions, value=value, user_attrs=attributes
            )
        )
    return read_study(study)


def test_what_matters_stands_out() -> None:
    found = found_in(read_study(make()), shuffles=199)
    assert found.names[0] == "x"
    assert found.above() == ["x"]
    assert found.observed.sum() == pytest.approx(1)
    assert found.tested is not None
    assert found.tested.n == found.n == 35
    assert sentence(found) == "Mattered for aulc beyond chance, of 35 proposals (all of them): x (p = 0.005)."


def test_the_limit_is_that_of_the_most_important_parameter() -> None:
    """So it is higher where there are more of them: the same shuffles, and six more parameters of noise."""
    rng = np.random.default_rng(0)
    points, values = rng.random((20, 8)), rng.random(20)
    few, many = (found_in(study_of(points[:, :count], values)) for count in (2, 8))
    limits = []  # in units of the importance of the first parameter, which depends on no other one
    for found in (few, many):
        assert found.tested is not None
        limits.append(found.tested.limit / found.tested.observed[found.names.index("a")])
    assert limits[1] > 1.2 * limits[0]


def test_proposals_that_follow_scores_are_described_only() -> None:
    data = read_study(make(n_random=11))
    found = found_in(data)
    assert (found.n, found.n_independent, found.tested, found.above()) == (35, 9, None, [])
    assert sentence(found) == (
        "Importances for aulc are descriptive: only 9 different proposals of 35 are known not to depend on "
        "earlier scores, and a test needs 10."
    )
    (first, *_) = found.table()
    assert (first["parameter"], first["tested"], first["p"]) == ("x", False, None)


def test_a_search_that_began_at_random_is_tested_by_its_beginning() -> None:
    whole, beginning = read_study(make(n_random=25)), read_study(make(n=25))
    found = found_in(whole, shuffles=39)
    alone = found_in(beginning, shuffles=39)
    assert found.tested is not None
    assert alone.tested is not None
    assert found.tested.n == alone.n == 22
    order = [alone.names.index(name) for name in found.names]
    assert found.tested.observed == pytest.approx(alone.observed[order])
    assert found.observed != pytest.approx(alone.observed[order])
    assert "of 22 proposals (those that did not depend on earlier scores)" in sentence(found)


def test_the_same_parameters_again_are_no_evidence() -> None:
    """Ten points, each three times with its own score."""
    rng = np.random.default_rng(0)
    points, values = rng.random((FEWEST, 2)), rng.random(FEWEST)
    found = found_in(study_of(np.tile(points, (3, 1)), np.tile(values, 3)))
    assert (found.n, found.n_independent) == (30, FEWEST)
    found = found_in(study_of(np.tile(points[:9], (3, 1)), np.tile(values[:9], 3)))
    assert found.tested is None


def test_few_proposals_have_no_importances() -> None:
    data = read_study(make(n=8))
    assert importances(data, data.goals[0], np.random.default_rng(0)) is None
    assert "need 10 complete proposals" in sentence(None)
