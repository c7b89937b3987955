"""The values of an axis."""

from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from dqn_exp.config.errors import ConfigError
from dqn_exp.plan.axis import axis_values, meaning


def values(text: str) -> list[str]:
    return axis_values(OverridesParser.create().parse_override(f"key={text}"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("range(0.1,0.5,0.1)", ["0.1", "0.2", "0.3", "0.4"]),
        ("range(0,0.9,0.3)", ["0.0", "0.3", "0.6"]),  # Hydra adds 0.9, as 0.8999999999999999
        ("range(0,1,0.3)", ["0.0", "0.3", "0.6", "0.9"]),
        ("range(1,0.6,-0.1)", ["1.0", "0.9", "0.8", "0.7"]),
        ("range(1e-4,4e-4,1e-4)", ["0.0001", "0.0002", "0.0003"]),
        ("range(3)", ["0", "1", "2"]),
        ("range(5,0,-2)", ["5", "3", "1"]),
        ("range(0,6,2)", ["0", "2", "4"]),
        ("range(5,0)", []),
        ("500,17k,[64, 64],null", ["500", "17k", "[64,64]", "null"]),
    ],
)
def test_values(text: str, expected: list[str]) -> None:
    assert values(text) == expected


def test_a_shuffled_range_has_the_same_values() -> None:
    assert sorted(values("shuffle(range(0.1,0.5,0.1))")) == ["0.1", "0.2", "0.3", "0.4"]


@pytest.mark.parametrize(
    ("text", "twice"),
    [
        ("17k,500,17000", "17k and 17000 are the same value"),
        ("2e4,20k", "20000.0 and 20k are the same value"),
        ("1,1.0", "1 and 1.0 are the same value"),
        ("mlp,mlp", "mlp is given twice"),
        ("[64,64],[64, 64]", r"\[64,64\] is given twice"),
    ],
)
def test_equal_values_are_refused_by_the_name_of_the_axis(text: str, twice: str) -> None:
    with pytest.raises(ConfigError, match=rf"^key=.*: {twice}; allowed: each value once$"):
        values(text)


def test_a_range_without_steps_is_refused() -> None:
    with pytest.raises(ConfigError, match="a step other than 0"):
        values("range(1,2,0)")


def test_what_a_value_means() -> None:
    assert [meaning(v) for v in ("17k", 0.5, "1e-3", "mlp", None)] == [17_000, 0.5, 0.001, "mlp", None]
