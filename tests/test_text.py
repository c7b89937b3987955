"""Numbers and values as readable text."""

from __future__ import annotations

import numpy as np
import pytest

from dqn_exp.text import LONGEST, format_duration, format_number, format_value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.1235"), (0, "0"), (-2.5, "-2.5"), (999.94, "999.9"), (999.96, "1000"),
        (1000, "1\u202f000"), (-12340.4, "-12\u202f340"), (1e7, "10\u202f000\u202f000"),
        (np.nan, "–"), (np.inf, "not reached"), (-np.inf, "−∞"),
    ],
)  # fmt: skip
def test_numbers_have_four_digits_and_thousands_apart(value: float, text: str) -> None:
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"), (np.bool_(False), "no"), (None, "none"), (999, "999"), (1000, "1k"), (-17_000, "-17k"),
        (16_384, "16Ki"), (0.05, "0.05"), (1e-7, "1e-07"), ("adam", "adam"),
    ],
)  # fmt: skip
def test_values_read_as_they_are_written_in_a_configuration(value: object, text: str) -> None:
    assert format_value(value) == text


def test_only_text_that_is_too_long_is_cut() -> None:
    assert format_value("a" * LONGEST) == "a" * 28
    assert format_value("a" * (LONGEST + 1)) == "a" * 27 + "…"


def test_durations_leave_fractions_of_a_second_out() -> None:
    assert format_duration(3723.9) == "1:02:03"
