"""The axes of a sweep, as distinct from values that only vary with an axis."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from analysis.records.axes import ALIASES, ALL, NOT_AXES, SHORT, UNITS, find_axes
from analysis.records.disk import flatten
from dqn_exp.config import NOT_OF_THE_TRIAL, Config, EnvConfig, NetworkConfig
from dqn_exp.config.schema import SHORT_NAMES
from dqn_exp.text import format_value
from tests.analysis.synthetic import configured


def axes_of(*overrides: dict[str, Any]) -> list[str]:
    return [axis.name for axis in find_axes([flatten(configured(o)) for o in overrides])]


def test_seeds_are_no_axis() -> None:
    assert axes_of({"seed": 0}, {"seed": 1}) == []


def test_what_runs_during_a_trial_may_be_an_axis_although_it_does_not_influence_training() -> None:
    during = {"checkpoint": "every_seconds", "metrics": "loss_every", "video": "every_episodes"}
    assert set(NOT_AXES) - {"seed"} == NOT_OF_THE_TRIAL - {*during, "observers"}
    for section, key in during.items():
        name = f"{section}.{key}"
        assert axes_of({name: 1}, {name: 2}) == [name]
    diaries = [{"observers.diary.name": name} for name in ("a", "b")]
    assert axes_of(*diaries) == ["observers.diary.name"]


@pytest.mark.parametrize("name", ["buffer", "batch", "update_every", "lr", "train_every", "gamma"])
def test_a_short_name_stands_for_what_it_sets(name: str) -> None:
    assert axes_of({name: 1}, {name: 2}) == [name]


def test_a_part_chosen_by_name_stands_for_its_settings() -> None:
    adam = {"optimizer.name": "adam", "optimizer.beta1": 0.9}
    sgd = {"optimizer.name": "sgd", "optimizer.beta1": None, "optimizer.momentum": 0.0}
    (axis,) = find_axes([flatten(configured(part)) for part in (adam, sgd)])
    assert axis.name == "optimizer.name"
    assert set(axis.companions) == {"optimizer.beta1", "optimizer.momentum"}
    assert not axis.inseparable  # they are properties of the optimizer


def test_an_environment_stands_for_its_threshold() -> None:
    cart = {"env.id": "CartPole-v1", "convergence.threshold": 475.0}
    car = {"env.id": "MountainCar-v0", "convergence.threshold": -110.0}
    assert axes_of(cart, car) == ["env.id"]


def test_a_grid_has_both_axes_in_a_fixed_order() -> None:
    grid = [{"lr": lr, "network.hidden": h} for lr in (0.1, 0.01) for h in ([24], [24, 24])]
    grid = [{**cell, "buffer": b} for cell in grid for b in (500, 1000)]
    assert axes_of(*grid) == ["buffer", "lr", "network.hidden"]


def test_values_that_vary_together_are_one_axis_that_says_so() -> None:
    (axis,) = find_axes([{"buffer": 1, "gamma": 0.9}, {"buffer": 2, "gamma": 0.99}])
    assert (axis.name, axis.companions, axis.inseparable) == ("buffer", ("gamma",), ("gamma",))


def test_values_are_ordered_as_numbers_or_naturally() -> None:
    (numbers,) = find_axes([{"lr": v} for v in (0.1, 0.001, 1)])
    assert numbers.values == (0.001, 0.1, 1)
    (names,) = find_axes([{"network.hidden": v} for v in ("128", "64-64", "24")])
    assert names.values == ("24", "64-64", "128")
    (mixed,) = find_axes([{"agent.max_grad_norm": v} for v in (10, None)])
    assert mixed.values == (None, 10)
    assert not mixed.numeric


def test_codes_tell_true_from_one_and_know_nan() -> None:
    (axis,) = find_axes([{"x": v} for v in (True, 1, math.nan)])
    rows = [{"x": 1}, {"x": True}, {"x": float("nan")}]
    assert len(set(axis.codes(rows).tolist())) == 3


def test_the_unit_of_the_target_period_is_what_it_counts() -> None:
    def title(name: str) -> str:
        configs = [flatten(configured({"target.name": name, "update_every": v})) for v in (1, 2)]
        return find_axes(configs)[0].title

    assert title("episodes") == "update_every (target refresh period, episodes)"
    assert title("steps") == "update_every (target refresh period, steps)"


def test_no_axis_is_one_group_of_all_trials() -> None:
    np.testing.assert_array_equal(ALL.codes([{"lr": 1}, {"lr": 2}]), [0, 0])
    assert ALL.labels() == ["all trials"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (17_000, "17k"), (16_384, "16Ki"), (17_083, "17083"), (500, "500"), (0.05, "0.05"), (1e-4, "0.0001"),
        (None, "none"), (True, "yes"), ("64-64", "64-64"), ("x" * 99, "x" * 27 + "…"), (math.inf, "inf"),
    ],
)  # fmt: skip
def test_values_read_as_people_write_them(value: object, text: str) -> None:
    assert format_value(value) == text


def test_names_and_meanings_are_those_of_the_schema() -> None:
    """`records.axes` has names of its own, because importing the schema takes longer than a small table."""
    assert tuple(SHORT_NAMES) == ALIASES
    assert set(SHORT_NAMES.values()) < set(SHORT)
    assert set(SHORT) - set(SHORT_NAMES.values()) < set(Config.model_fields)
    sections = {"network.hidden": NetworkConfig, "env.id": EnvConfig}
    described = {short: getattr(Config, short).__doc__ for short in SHORT_NAMES.values()}
    for name, meaning in UNITS.items():
        if name in described:
            assert described[name].lower().startswith(meaning), name
            continue
        field = sections.get(name, Config).model_fields[name.rpartition(".")[2]]
        told = str(field.description).replace("env steps", "environment steps")
        assert all(part in told for part in re.split(", | per ", meaning)), name
