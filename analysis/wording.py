"""Statistics in words: p values, and estimates with their intervals."""

from __future__ import annotations

from collections.abc import Callable

from dqn_exp.scores import Interval
from dqn_exp.text import format_number


def p_value(p: float, is_floor: bool = False) -> str:
    """ "p = 0.03", or "p ≤ 0.0001" if that is the smallest p the number of permutations can give."""
    return f"p\u00a0{'≤' if is_floor else '='}\u00a0{p_number(p)}"


def p_number(p: float, is_floor: bool = False) -> str:
    """The number alone, for the column of a table and for limits of p: "0.03", or "≤ 0.0001"."""
    return f"{'≤ ' if is_floor else ''}{p:.2g}"


def hundredths(value: float) -> str:
    """Two decimals, for ratios and scores whose intervals stand beside them: 1.30."""
    return f"{value:.2f}"


def interval_text(
    interval: Interval, wording: Callable[[float], str] = format_number, level: float | None = None
) -> str:
    """ "0.94 to 1.83", with its level "95% interval 0.94 to 1.83"; empty if there is no interval."""
    low, high = interval
    if low != low:
        return ""
    named = "" if level is None else f"{format_number(100 * level)}% interval "
    return f"{named}{wording(low)} to {wording(high)}"


def estimate_text(
    value: float,
    interval: Interval,
    wording: Callable[[float], str] = format_number,
    unit: str = "",
    level: float | None = None,
) -> str:
    """ "1.31 times as long (0.94 to 1.83)"; the value and its unit alone if there is no interval."""
    within = interval_text(interval, wording, level)
    return f"{wording(value)}{unit}{f' ({within})' if within else ''}"
