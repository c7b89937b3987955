"""The looks of a sweep in words: on the screen as they are taken, and in the report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analysis.estimates import Looks
from analysis.estimates.planning import POWER
from analysis.estimates.sequential import Look
from analysis.report.findings import p_value
from dqn_exp.text import format_number

MOST_TOLD = 10_000
"""More seeds than these nobody will train: the number says nothing then."""


def told(looks: Looks) -> list[str]:
    """A line for each look: "look 2, 12 seeds: buffer = 500 differs (slower), 100k undecided"."""
    lines = []
    for number, seeds in enumerate(looks.design.looks, 1):
        taken = [look for look in looks.decisions.looks if look.seeds == seeds]
        if taken:
            found = ", ".join(f"{_label(looks, look)} {_verdict(looks, look)}" for look in taken)
            lines.append(f"look {number}, {seeds} seeds: {looks.axis.name} = {found}")
    return lines


def _label(looks: Looks, look: Look) -> str:
    return looks.axis.labels()[look.value]


def _verdict(looks: Looks, look: Look) -> str:
    return {
        "differs": f"differs ({looks.direction(look)})" if look.verdict == "differs" else "",
        "equal": "practically equal",
        "same": "gave the same trials",
        "undecided": "undecided",
    }[look.verdict]


def outcomes(looks: Looks) -> Iterator[str]:
    """What is known of each value now."""
    reference = f"{looks.axis.name} = {looks.axis.labels()[looks.reference]} ({looks.why})"
    if not looks.decisions.looks:
        yield f"The first look, at {looks.design.looks[0]} seeds of each value, is still to be taken."
    for look in looks.last:
        yield _outcome(looks, look, reference)
    if looks.lost:
        yield f"Failed, and left out of the looks: {', '.join(looks.lost)}."


def _outcome(looks: Looks, look: Look, reference: str) -> str:
    value = f"{looks.axis.name} = {_label(looks, look)}"
    after = f"decided with {look.seeds} seeds"
    low, high = looks.design.margin
    match look.verdict:
        case "differs":
            direction = looks.direction(look)
            how = (
                f"differs from {reference}; {direction}"
                if direction == "neither is faster throughout"
                else f"converges {direction} than {reference}"
            )
            return f"{value} {how}: {ratio(look)}, {p_value(look.p)}, at most {look.boundary:.2g}; {after}."
        case "equal":
            return (
                f"{value} is practically as fast as {reference}: {ratio(look)}, within {low:g} to {high:g}; "
                f"{after}."
            )
        case "same":
            return (
                f"{value} gave the same trials as {reference}, bit for bit, with all of {look.seeds} seeds: "
                f"{looks.axis.name} changed nothing between them."
            )
    if not looks.decisions.is_over:
        return f"{value} is undecided with {look.seeds} seeds: {ratio(look)}."
    return (
        f"{value} is not decided against {reference} within {look.seeds} seeds: {ratio(look)}. That is not "
        f"evidence that they are equal. {_needed(looks, look)}"
    )


def ratio(look: Look) -> str:
    """ "restricted mean 1.31 times as long (0.94 to 1.83)"."""
    low, high = look.ratio.interval
    interval = f" ({low:.2f} to {high:.2f})" if low == low else ""
    return f"restricted mean {look.ratio.ratio:.2f} times as long{interval}"


def _needed(looks: Looks, look: Look) -> str:
    """What it would take, in a sweep of its own."""
    needed = looks.needed(look)
    low, high = looks.design.margin
    difference = f"To find this ratio with a power of {POWER:.0%} takes {_seeds(needed.difference)}"
    if needed.equality is None:
        return f"{difference}; equality cannot be shown where fewer than half of the trials converge."
    return f"{difference}, to show equality within {low:g} to {high:g} {_seeds(needed.equality)}."


def _seeds(number: int | None) -> str:
    if number is None or number > MOST_TOLD:
        return f"more than {format_number(MOST_TOLD)} seeds of each value"
    return f"about {format_number(number)} seeds of each value"


def records(looks: Looks) -> list[dict[str, Any]]:
    """A row for each look at each value: of `sweep.json`, and of the report's table."""
    return [
        {
            "seeds": look.seeds,
            "value": _label(looks, look),
            "p": look.p,
            "boundary": look.boundary,
            "ratio": look.ratio.ratio,
            "ratio_low": _known(look.ratio.interval[0]),
            "ratio_high": _known(look.ratio.interval[1]),
            "verdict": look.verdict,
        }
        for look in looks.decisions.looks
    ]


def _known(number: float) -> float | None:
    return number if number == number else None
