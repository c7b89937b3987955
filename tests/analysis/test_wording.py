"""p values, and estimates with their intervals, in words."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.wording import estimate_text, hundredths, interval_text, p_number, p_value


@pytest.mark.parametrize(
    ("p", "is_floor", "text"), [(0.03, False, "0.03"), (0.0312, False, "0.031"), (0.0001, True, "≤ 0.0001")]
)
def test_p_has_two_digits_and_says_if_it_cannot_be_smaller(p: float, is_floor: bool, text: str) -> None:
    assert p_number(p, is_floor) == text


def test_p_and_its_number_stay_on_one_line() -> None:
    assert p_value(0.03) == "p\u00a0=\u00a00.03"
    assert p_value(0.0001, is_floor=True) == "p\u00a0≤\u00a00.0001"


def test_an_estimate_names_its_interval_if_there_is_one() -> None:
    assert (
        estimate_text(1.314, (0.944, 1.8), hundredths, " times as long")
        == "1.31 times as long (0.94 to 1.80)"
    )
    assert estimate_text(12_542, (10_452, 19_168), level=0.95) == (
        "12\u202f542 (95% interval 10\u202f452 to 19\u202f168)"
    )
    assert estimate_text(3.5, (np.nan, np.nan), level=0.95) == "3.5"
    assert interval_text((np.nan, np.nan)) == ""
