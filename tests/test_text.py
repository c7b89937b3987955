"""Numbers and values as readable text."""

from __future__ import annotations

import numpy as np
import pytest

from dqn_exp.text import (
    LONGEST,
    format_count,
    format_duration,
    format_measured,
    format_number,
    format_short,
    format_value,
)


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


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (0.1, "0.1"), (512, "512"), (2500, "2.5k"), (50_000.0, "50k"), (17_408, "17Ki"),
        (2.5e6, "2.5M"), (-1500, "-1.5k"), (1_024_000, "1.024M"), (3e9, "3G"), (1234.5, "1.2345k"),
        (np.inf, "inf"),
    ],
)  # fmt: skip
def test_short_numbers_have_a_suffix(value: float, text: str) -> None:
    assert format_short(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(12_340.4, "12\u202f340"), (-2.34567, "-2.346"), (1.5e12, "1.5e+12"), (np.inf, "inf"), (np.nan, "NaN")],
)
def test_measured_numbers_may_be_of_any_size(value: float, text: str) -> None:
    assert format_measured(value) == text


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (1, "trial", "1 trial"),
        (0, "trial", "0 trials"),
        (3, "value of gamma", "3 values of gamma"),
        (2, "planned trial", "2 planned trials"),
    ],
)
def test_a_number_of_things_is_one_or_several(number: int, noun: str, text: str) -> None:
    assert format_count(number, noun) == text
