"""Samplers: which of their proposals depend on earlier scores."""

from __future__ import annotations

from collections.abc import Callable

import optuna
import pytest

from dqn_exp.study.parts import SamplerFactory

N_RANDOM = 3


def factory(name: str, **options: object) -> SamplerFactory:
    return SamplerFactory({"_target_": f"optuna.samplers.{name}", "seed": 0, **options})


def proposed(samplers: SamplerFactory, score: Callable[[int], float]) -> list[dict[str, float]]:
    """What is proposed to a study whose proposals get these scores, one after another."""
    study = optuna.create_study()
    for rank in range(12):
        study.sampler = samplers(rank)
        trial = study.ask()
        trial.suggest_float("x", 0, 1)
        trial.suggest_float("y", 0, 1)
        study.tell(trial, score(rank))
    return [trial.params for trial in study.get_trials()]


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("TPESampler", "n_startup_trials"), ("CmaEsSampler", "n_startup_trials"),
        ("NSGAIISampler", "population_size"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_what_is_called_random_does_not_follow_scores(name: str, option: str) -> None:
    """Opposite scores change nothing but later proposals."""
    samplers = factory(name, **{option: N_RANDOM})
    assert [samplers.draws(rank) for rank in range(N_RANDOM + 2)] == ["random"] * N_RANDOM + [name] * 2
    up, down = proposed(samplers, lambda rank: rank), proposed(samplers, lambda rank: -rank)
    assert up[:N_RANDOM] == down[:N_RANDOM]
    assert up[N_RANDOM:] != down[N_RANDOM:]


@pytest.mark.parametrize(("name", "drawn"), [("RandomSampler", "random"), ("QMCSampler", "qmc")])
@pytest.mark.filterwarnings("ignore")
def test_samplers_that_never_look_at_scores(name: str, drawn: str) -> None:
    samplers = factory(name)
    assert {samplers.draws(rank) for rank in (0, 100)} == {drawn}
    assert proposed(samplers, lambda rank: rank) == proposed(samplers, lambda rank: -rank)


def test_defaults_count_too_and_other_classes_may_do_anything() -> None:
    assert [factory("TPESampler").draws(rank) for rank in (9, 10)] == ["random", "TPESampler"]
    ours = SamplerFactory({"_target_": "tests.study.test_parts.Adaptive"})
    assert ours.draws(0) == "Adaptive"


class Adaptive(optuna.samplers.RandomSampler):
    """For all that is known it follows scores."""
