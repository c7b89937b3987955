"""Python values are written in the syntax of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from dqn_exp.api.arguments import as_text, axes_of, interval, overrides_of, seeds_of
from dqn_exp.config import ConfigError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (500, "500"),
        ("17k", "17k"),
        ("1e-3", "1e-3"),
        (1e-5, "1e-05"),
        (float("inf"), "inf"),
        (None, "null"),
        (True, "true"),
        ("true", "'true'"),
        ("null", "'null'"),
        ("", "''"),
        ("500,17k", "'500,17k'"),
        ("it's", r"'it\'s'"),
        (Path("outputs/a run"), "outputs/a run"),
        (Path("2026"), "'2026'"),
        ([64, 64], "[64,64]"),
        ((0.8, 1.25), "[0.8,1.25]"),
        (range(3), "[0,1,2]"),
        ({"slippery": {"probability": 0.2}}, "{slippery:{probability:0.2}}"),
        (np.float64(0.1), "0.1"),
        (np.array([1, 2]), "[1,2]"),
    ],
)
def test_values_are_written_as_one_would_type_them(value: Any, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize("value", ["17k", "true", "null", "", "500,17k", "it's", "a b", "[64", "x=(1)", "ä"])
def test_texts_come_back_as_they_were(value: str) -> None:
    assert OverridesParser.create().parse_override(f"key={as_text(value)}").value() == value


def test_nested_keys_are_dotted_ones() -> None:
    given = {"buffer": "17k", "network": {"hidden": [64, 64], "head": "c51"}, "env.id": "Acrobot-v1"}
    expected = ["buffer=17k", "network.hidden=[64,64]", "network.head=c51", "env.id=Acrobot-v1"]
    assert overrides_of(given) == expected


def test_what_a_part_takes_need_not_be_there_before() -> None:
    expected = ["++env.kwargs.is_slippery=false", "++env.kwargs.map_name=8x8"]
    assert overrides_of({"env.kwargs": {"is_slippery": False}, "env.kwargs.map_name": "8x8"}) == expected


def test_axes_have_all_of_their_values() -> None:
    given = {
        "buffer": np.linspace(500, 100_000, 3, dtype=int),
        "network.hidden": [[64], [64, 64]],
        "lr": interval(1e-4, 1e-2, log=True),
        "batch": interval(16, "1k"),
    }
    assert axes_of(given, "space") == [
        "buffer=500,50250,100000",
        "network.hidden=[64],[64,64]",
        "lr=tag(log,interval(0.0001,0.01))",
        "batch=interval(16,1k)",
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, []),
        (5, ["seed=range(5)"]),
        ([3], ["seed=3"]),
        (range(10, 13), ["seed=10,11,12"]),
        ("until_decided", ["seed=until_decided"]),
    ],
)
def test_seeds(given: Any, expected: list[str]) -> None:
    assert seeds_of(given) == expected


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: overrides_of({"lr": object()}),
            r"have values of type object; allowed: numbers",
        ),
        (lambda: overrides_of({"network": {3: 4}}), "network.3: keys must be strings"),
        (lambda: axes_of({"buffer": "500"}, "axes"), r"axes={'buffer': '500'}: allowed: a list of values"),
        (lambda: axes_of({"buffer": 500}, "axes"), r"axes={'buffer': 500}: allowed: a list of values"),
        (lambda: seeds_of(0), "seeds=0: allowed: a number of seeds"),
        (lambda: seeds_of(True), "seeds=True: allowed: a number of seeds"),
        (lambda: seeds_of("five"), "seeds='five': allowed: a number of seeds"),
        (lambda: seeds_of(1.5), "seeds=1.5: allowed: a number of seeds"),  # type: ignore[arg-type]
    ],
)
def test_what_has_no_such_text_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        call()
