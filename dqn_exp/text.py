"""Format numbers and values for the screen and for reports."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from dqn_exp.config import format_size

LONGEST = 28
"""The most characters of a value that a figure or a table shows."""
NOT_REACHED = "not reached"


def format_number(value: float) -> str:
    """Four significant digits, thousands apart: 12 340. NaN is "–", inf (a time) "not reached", -inf "−∞"."""
    if np.isnan(value):
        return "–"
    if np.isinf(value):
        return NOT_REACHED if value > 0 else "−∞"
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{value:.4g}"


def format_measured(value: float) -> str:
    """Like `format_number`, for numbers that may be of any size: 1.5e+12, inf and NaN as they are."""
    if np.isnan(value):
        return "NaN"
    return format_number(value) if abs(value) < 1e9 else f"{value:.4g}"


def format_short(value: float) -> str:
    """A number for which there is little room, such as a tick of an axis: 50000 is "50k", 17408 "17Ki"."""
    binary = format_size(int(value)) if float(value).is_integer() else ""
    if binary.endswith("i"):
        return binary
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size <= abs(value) < np.inf:
            return f"{value / size:g}{suffix}"
    return f"{value:g}"


def format_count(number: int, noun: str) -> str:
    """A number of things: "1 trial", "2 trials", "3 values of gamma"."""
    first, space, rest = noun.partition(" ")
    plural = f"{first}s{space}{rest}" if rest.startswith("of ") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def format_value(value: object) -> str:
    """A configuration value: 17000 becomes "17k", None "none", True "yes"; long text is cut."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, int) and abs(value) >= 1000:
        return format_size(value)
    text = f"{value:g}" if isinstance(value, int | float) else str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def format_duration(seconds: float) -> str:
    """Hours, minutes and seconds, such as 1:02:03."""
    return str(timedelta(seconds=int(seconds)))


def format_bytes(count: float) -> str:
    """Bytes to three significant digits, such as 4.2 GB or 512 MB."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f} bytes"
