"""Scores from records, checked by hand, and the score of a diverged trial."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from dqn_exp.config.errors import ConfigError
from dqn_exp.config.schema import Config
from dqn_exp.runs.metrics import COLUMNS, MetricsWriter, metrics_path
from dqn_exp.runs.result import Result
from dqn_exp.study.objective import (
    MEASURES,
    Aggregate,
    Objective,
    check_comparable,
    check_measurable,
)
from dqn_exp.study.record import Evaluations, Record, interval_of, read_record
from tests.helpers import make_config


def config(**settings: object) -> Config:
    values = {"budget__env_steps": 400, "evaluation__every_steps": 100, "convergence__consecutive": 2}
    return make_config(**{**values, **settings})


def record(*returns: float, status: str = "exhausted", final: float = 7.0, clock: str = "env_step") -> Record:
    """Evaluations at steps 100, 200, ... (episodes 10, 20, ...); a budget of 400 (40), a threshold of 475."""
    steps = 100 * np.arange(1, len(returns) + 1)
    after = 5 if status == "diverged" else 0  # in the middle of an episode
    result = Result(
        status, episodes=int(steps[-1]) // 10, env_steps=int(steps[-1]) + after, final_return=final
    )
    columns = {"env_step": steps, "episode": steps // 10, "mean_return": np.array(returns)}
    horizon = 400.0 if clock == "env_step" else 40.0
    return Record(config(), result, Evaluations(columns, clock, horizon))


def score(name: str, *records: Record, aggregate: str = "mean") -> float:
    objective = Objective(MEASURES[name], Aggregate[aggregate])
    return objective.of_proposal({"": [objective.of_trial(one) for one in records]})


def test_area_is_the_mean_height_over_the_budget() -> None:
    """Level before the first and after the last evaluation; straight between them."""
    assert score("aulc", record(10, 10, 10, 10)) == 10
    assert score("aulc", record(0, 100, 100, 100)) == pytest.approx((0 + 50 + 100 + 100) / 4)
    assert score("aulc", record(0, 100)) == pytest.approx((0 + 50 + 100 + 100) / 4)  # stopped early


def test_final_return_is_the_one_after_training() -> None:
    assert score("final_return", record(1, 2, final=33.0)) == 33


def test_time_is_censored_at_the_budget() -> None:
    """The first of two evaluations in a row at 475."""
    assert score("steps_to_convergence", record(480, 10, 480, 480)) == 300
    assert score("steps_to_convergence", record(480, 10, 480, 10)) == 400
    assert score("steps_to_convergence", record(480, 480), record(1, 1, 1, 1)) == 250


@pytest.mark.parametrize(
    ("name", "worst"), [("aulc", -math.inf), ("final_return", -math.inf), ("steps_to_convergence", 400)]
)
def test_a_diverged_seed_has_the_worst_record(name: str, worst: float) -> None:
    """Whatever it had reached before."""
    diverged = record(500, 500, 500, status="diverged", final=500.0)
    assert score(name, diverged) == worst
    assert score(name, diverged, record(1, 1, 1, 1), aggregate="worst") == worst


@pytest.mark.parametrize("name", ["aulc", "final_return"])
def test_what_is_no_number_is_the_worst(name: str) -> None:
    assert score(name, record(math.nan, math.nan, final=math.inf)) == -math.inf


def test_aggregates() -> None:
    seeds = [record(*[value] * 4) for value in (1.0, 2.0, 3.0, 4.0, 90.0)]
    assert score("aulc", *seeds) == 20
    assert score("aulc", *seeds, aggregate="iqm") == 3
    assert score("aulc", *seeds, aggregate="worst") == 1
    assert score("steps_to_convergence", record(480, 480), record(1), aggregate="worst") == 400


def test_the_interquartile_mean_outlives_one_diverged_seed() -> None:
    seeds = [record(1, status="diverged"), *(record(*[value] * 4) for value in (1.0, 2.0, 3.0, 4.0))]
    assert score("aulc", *seeds, aggregate="iqm") == 2
    assert score("aulc", *seeds) == -math.inf


RANDOM_PLAY, THRESHOLD = 22.6, 475.0
"""Of CartPole: conf/env/cartpole.yaml."""


@pytest.mark.parametrize(
    ("name", "zero", "one"),
    [
        ("aulc", record(*[RANDOM_PLAY] * 4), record(*[THRESHOLD] * 4)),
        ("final_return", record(1, final=RANDOM_PLAY), record(1, final=THRESHOLD)),
        ("steps_to_convergence", record(480, 480), record(1, 1, 1, 1)),
    ],
)
def test_environments_share_a_scale(name: str, zero: Record, one: Record) -> None:
    """Random play and the threshold of returns; of times the share of the budget: here 100 and 400 of 400."""
    objective = Objective(MEASURES[name], Aggregate.mean, is_normalised=True)
    lowest = 0.25 if name == "steps_to_convergence" else 0
    assert [objective.of_trial(zero), objective.of_trial(one)] == pytest.approx([lowest, 1])
    by_environment = {"a": [0.0, 1.0], "b": [1.0, 3.0]}
    assert objective.of_environments(by_environment) == {"a": 0.5, "b": 2.0}
    assert objective.of_proposal(by_environment) == 1.25
    assert objective.of_proposal({**by_environment, "c": [1.25] * 9}) == 1.25  # environments count alike


@pytest.mark.parametrize(
    ("name", "worst"), [("aulc", -math.inf), ("final_return", -math.inf), ("steps_to_convergence", 1)]
)
def test_divergence_is_the_worst_on_a_shared_scale_too(name: str, worst: float) -> None:
    objective = Objective(MEASURES[name], Aggregate.mean, is_normalised=True)
    assert objective.of_trial(record(500, status="diverged")) == worst


def test_the_worst_seed_counts_in_each_environment() -> None:
    up, down = (Objective(MEASURES[n], Aggregate.worst) for n in ("aulc", "steps_to_convergence"))
    by_environment = {"a": [0.0, 1.0], "b": [1.0, 3.0]}
    assert (up.of_proposal(by_environment), down.of_proposal(by_environment)) == (0.5, 2)


@pytest.mark.parametrize(
    ("name", "half"), [("aulc", 0.5), ("final_return", 0.5), ("steps_to_convergence", 0.5)]
)
def test_what_pruning_compares_is_on_the_shared_scale(name: str, half: float) -> None:
    middle = record(*[(RANDOM_PLAY + THRESHOLD) / 2] * 4)
    objective = Objective(MEASURES[name], Aggregate.mean, is_normalised=True)
    assert objective.so_far(middle, 300) == pytest.approx(half)


def test_known_bounds() -> None:
    """CartPole earns 0 to 500, and is given 400 steps here."""
    aulc, time = (Objective(MEASURES[n], Aggregate.mean) for n in ("aulc", "steps_to_convergence"))
    assert (aulc.bounds(config()), time.bounds(config())) == ((0, 500), (0, 400))
    assert aulc.bounds(make_config(env="lunarlander")) is None
    shared = [Objective(o.measure, Aggregate.mean, is_normalised=True).bounds(config()) for o in (aulc, time)]
    low, high = ((end - RANDOM_PLAY) / (THRESHOLD - RANDOM_PLAY) for end in (0, 500))
    assert shared == [pytest.approx((low, high)), (0, 1)]


def so_far(name: str, moment: float, *records: Record) -> float:
    objective = Objective(MEASURES[name], Aggregate.mean)
    return objective.of_proposal({"": [objective.so_far(record, moment) for record in records]})


EVERY_WORST = [("aulc", -math.inf), ("final_return", -math.inf), ("steps_to_convergence", math.inf)]


def test_what_pruning_compares_is_the_mean_over_seeds_at_one_moment() -> None:
    pair = record(0, 100, 999), record(20, 40)
    assert so_far("final_return", 200, *pair) == 70
    assert so_far("aulc", 200, *pair) == pytest.approx(((0 + 50) / 2 + (20 + 30) / 2) / 2)
    assert so_far("steps_to_convergence", 200, *pair) == 475 - 70  # what is missing to the threshold


@pytest.mark.parametrize(("name", "worst"), EVERY_WORST)
@pytest.mark.parametrize(("clock", "unit"), [("env_step", 10), ("episode", 1)])
def test_pruning_sees_divergence_from_its_moment_on(name: str, worst: float, clock: str, unit: int) -> None:
    """After the evaluation at step 300, in the episode after the thirtieth."""
    diverged = record(1, 1, 1, status="diverged", clock=clock)
    assert math.isfinite(so_far(name, 30 * unit, diverged))
    assert so_far(name, 31 * unit, diverged) == worst


def test_pruning_sees_divergence_at_the_end_of_an_episode() -> None:
    """With its last step, before it could be evaluated."""
    diverged = record(1, 1, status="diverged", clock="episode")
    diverged.result.episodes = 30
    assert so_far("aulc", 20, diverged) == 1
    assert so_far("aulc", 30, diverged) == -math.inf


def test_records_are_read_from_disk(tmp_path: Path) -> None:
    writer = MetricsWriter(metrics_path(tmp_path, "evaluations"), COLUMNS["evaluations"], 0)
    for step, mean_return in ((100, 5.0), (200, 7.0)):
        writer.append((step // 10, step, 0, mean_return, 0.0, 1))
    writer.close()
    found = read_record(tmp_path, config())
    assert found.evaluations.times.tolist() == [100, 200]
    assert found.evaluations.returns.tolist() == [5, 7]
    assert found.evaluations.horizon == 400
    by_episodes = config(budget__env_steps=None, budget__episodes=80, evaluation__every_episodes=10)
    assert read_record(tmp_path, by_episodes).evaluations.times.tolist() == [10, 20]
    assert interval_of(by_episodes) == 10


def test_what_cannot_be_measured_is_refused() -> None:
    aulc, time = (Objective(MEASURES[name], Aggregate.mean) for name in ("aulc", "steps_to_convergence"))
    with pytest.raises(ConfigError, match="objective=aulc needs evaluations"):
        check_measurable(config(evaluation__every_steps=None), [aulc])
    with pytest.raises(ConfigError, match=r"needs budget.env_steps or budget.episodes"):
        check_measurable(config(budget__env_steps=None, budget__learning_episodes=5), [time])
    check_measurable(
        config(evaluation__every_steps=None), [Objective(MEASURES["final_return"], Aggregate.mean)]
    )


def test_what_a_pruner_could_never_compare_is_refused() -> None:
    check_comparable(config())
    with pytest.raises(ConfigError, match="pruner needs evaluations during training"):
        check_comparable(config(evaluation__every_steps=None))
    with pytest.raises(ConfigError, match=r"both null \(budget.learning_episodes=5"):
        check_comparable(config(budget__env_steps=None, budget__learning_episodes=5))
