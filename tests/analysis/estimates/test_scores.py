"""Scores over several environments: which trials are used, and why there may be no scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.estimates.scores import Scores, Tuning, normalised_returns, over_scores
from analysis.records.sweep import read_sweep
from tests.analysis.synthetic import write_trial

RANDOM = {"CartPole-v1": 20.0, "Acrobot-v1": -100.0}


def write(
    root: Path,
    seeds: int = 6,
    lrs: Sequence[float] = (0.1, 0.2),
    solves: Callable[[str, float], bool] = lambda environment, lr: True,
    **further: Any,
) -> Path:
    """Solved trials end with about 200, others with about 180; the threshold is 195."""
    for environment, random_play in RANDOM.items():
        for lr in lrs:
            for seed in range(seeds):
                own = {"env.id": environment, "lr": lr, "seed": seed, "returns.random": random_play}
                time = 5000 if solves(environment, lr) else np.inf
                write_trial(root / f"{environment},{lr},{seed}", {**own, **further}, time)
    return root


def scores(root: Path) -> Scores | None:
    return over_scores(read_sweep(root).by_environment(), np.random.default_rng(0))


def tuned(root: Path) -> Tuning:
    found = scores(root)
    assert found is not None
    assert isinstance(found.tuning, Tuning)
    return found.tuning


def test_scores_lie_between_random_play_and_the_threshold() -> None:
    rows = [
        {"final_return": value, "returns.random": random_play, "convergence.threshold": threshold}
        for value, random_play, threshold in ((-155, -200, -110), (500, 20, 500), (3, None, 5), (3, 5, 5))
    ]
    np.testing.assert_array_equal(normalised_returns(rows), [0.5, 1, np.nan, np.nan])


def test_a_profile_is_of_the_trials_of_all_environments(tmp_path: Path) -> None:
    root = write(tmp_path / "s", solves=lambda environment, lr: environment == "Acrobot-v1" or lr == 0.1)
    found = scores(root)
    assert found is not None
    (profiles,) = found.profiles
    assert profiles.axis.values == (0.1, 0.2)
    assert [len(rows) for rows in profiles.rows] == [12, 12]
    assert profiles.fewest_seeds == 6
    every = np.concatenate([normalised_returns(rows) for rows in profiles.rows])
    room = 0.05 * np.ptp(every)
    for rows, profile in zip(profiles.rows, profiles.profiles, strict=True):
        own = np.array(
            [(row["final_return"] - row["returns.random"]) / (195 - row["returns.random"]) for row in rows]
        )
        np.testing.assert_allclose(profile.share, (own >= profile.at[:, None]).mean(axis=1))
        assert (profile.low <= profile.share).all()
        assert (profile.share <= profile.high).all()
        assert (profile.share[0], profile.share[-1]) == (1, 0)
        assert profile.at[[0, -1]] == pytest.approx([every.min() - room, every.max() + room])


def test_values_that_an_environment_lacks_are_left_out_and_nothing_is_tuned(tmp_path: Path) -> None:
    root = write(tmp_path / "s", lrs=(0.1, 0.2, 0.3))
    for seed in range(6):
        (root / f"Acrobot-v1,0.3,{seed}" / "trial.json").unlink()
    found = scores(root)
    assert found is not None
    assert found.profiles[0].axis.values == (0.1, 0.2)
    assert found.tuning == "not every setting was tried in every environment"


def test_environments_that_share_no_value_have_no_profile(tmp_path: Path) -> None:
    root = write(tmp_path / "s", seeds=2, lrs=(0.1, 0.2, 0.3, 0.4))
    for trial in [*root.glob("CartPole-v1,0.[12],*"), *root.glob("Acrobot-v1,0.[34],*")]:
        (trial / "trial.json").unlink()
    found = scores(root)
    assert found is not None
    assert found.profiles == []


def test_an_axis_of_one_environment_alone_is_in_the_way(tmp_path: Path) -> None:
    root = write(tmp_path / "s")
    for seed in range(6):
        own = {"env.id": "Acrobot-v1", "lr": 0.1, "batch": 32, "seed": seed, "returns.random": -100.0}
        write_trial(root / f"other{seed}", own, 5000)
    found = scores(root)
    assert found is not None
    assert [each.axis.name for each in found.profiles] == ["lr"]
    assert found.tuning == "not every setting was tried in every environment"


def test_the_seeds_that_every_setting_has_are_halved(tmp_path: Path) -> None:
    root = write(tmp_path / "s", seeds=7)
    (root / "Acrobot-v1,0.2,3" / "trial.json").unlink()
    assert tuned(root).n_seeds == 6
    (root / "Acrobot-v1,0.2,4" / "trial.json").unlink()
    found = scores(root)
    assert found is not None
    assert "it needs 6 seeds that every setting has in every environment" in found.tuning
    assert "here there are 5" in found.tuning


def test_what_is_tuned_and_what_each_value_makes_of_it(tmp_path: Path) -> None:
    """Each environment is solved with one lr alone: 20 of 175 and 20 of 295 are lost in one of them."""
    root = write(tmp_path / "s", solves=lambda environment, lr: (environment == "Acrobot-v1") == (lr == 0.1))
    found = tuned(root)
    assert found.n_environments == 2
    losses = np.array([20 / 175, 20 / 295]) / 2
    assert losses.min() - 0.02 < found.whole.loss.value < losses.max() + 0.02
    assert [(each.axis.name, each.value) for each in found.variants] == [("lr", 0), ("lr", 1)]
    assert [each.found.loss.value for each in found.variants] == [0, 0]
    one_for_all = max(each.found.per_environment.value for each in found.variants)
    assert found.whole.one_for_all.value == pytest.approx(one_for_all, abs=0.02)


def test_no_scores_without_random_play_and_nothing_to_tune_without_hyperparameters(tmp_path: Path) -> None:
    assert scores(write(tmp_path / "a", seeds=1, **{"returns.random": None})) is None
    alone = scores(write(tmp_path / "b", seeds=2, lrs=[0.1]))
    assert alone is not None
    assert [len(each.profiles) for each in alone.profiles] == [1]
    assert alone.tuning == ""
    budgets = write(tmp_path / "c", lrs=[0.1])
    for environment, random_play in RANDOM.items():
        own = {"env.id": environment, "lr": 0.1, "returns.random": random_play, "budget.env_steps": 9000}
        write_trial(budgets / f"{environment},short", own, 5000)
    found = scores(budgets)
    assert found is not None
    assert found.tuning == ""
