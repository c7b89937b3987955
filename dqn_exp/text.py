"""Numbers and values as people write them, on the screen and in reports."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from dqn_exp.config import format_size

LONGEST = 28
"""Characters of a value that are shown in a figure or a table."""
NOT_REACHED = "not reached"


def format_number(value: float) -> str:
    """A number to four significant digits, thousands apart: 12 340; inf is a time never reached."""
    if np.isnan(value):
        return "–"
    if np.isinf(value):
        return NOT_REACHED if value > 0 else "−∞"
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{value:.4g}"


def format_value(value: object) -> str:
    """A configuration value: 17000 is "17k", None is "none"; long text is cut."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, int) and abs(value) >= 1000:
        return format_size(value)
    text = f"{value:g}" if isinstance(value, int | float) else str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def format_duration(seconds: float) -> str:
    """Hours, minutes and seconds: 1:02:03."""
    return str(timedelta(seconds=int(seconds)))
