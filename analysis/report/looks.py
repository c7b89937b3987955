"""The looks of a sweep in words, for the terminal and for the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from analysis.estimates import Looks
from analysis.estimates.planning import POWER
from analysis.estimates.sequential import Look
from analysis.records import Sweep
from analysis.report.findings import p_value
from dqn_exp.scores import LEVEL
from dqn_exp.text import format_number

MOST_TOLD = 10_000
"""The largest number of seeds that is stated; above it, the text says "more than"."""


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
        "same": "gave the same trials" if looks.is_identical(look) else "converged at the same times",
        "undecided": "undecided",
    }[look.verdict]


def outcomes(looks: Looks) -> Iterator[str]:
    """The current result for each value; decided values come first."""
    reference = f"{looks.axis.name} = {looks.axis.labels()[looks.reference]} ({looks.why})"
    if not looks.decisions.looks:
        yield f"The first look, at {looks.design.looks[0]} seeds of each value, is still to be taken."
    for look in sorted(looks.last, key=lambda look: look.verdict == "undecided"):
        yield _outcome(looks, look, reference)
    if looks.decisions.is_over and looks.unspent and "undecided" in looks.decisions.verdicts.values():
        yield (
            f"{looks.unspent:.0%} of the error is left for more looks: the same command with its "
            f"hydra.sweep.dir, longer seeds.looks and a smaller seeds.reserve goes on from here."
        )
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
            alike = (
                "gave the same trials as" if looks.is_identical(look) else "converged at the same times as"
            )
            most = 1 - (1 - LEVEL) ** (1 / look.seeds)
            return (
                f"{value} {alike} {reference} with each of {look.seeds} seeds: with 95% confidence fewer "
                f"than {most:.0%} of seeds tell them apart."
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
    """The number of seeds that a new sweep would need to decide."""
    needed = looks.needed(look)
    if needed is None:
        return "What it would take cannot be told: trials of one seed did not differ."
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
    """One row per look and value, for `sweep.json` and for the report's table."""
    return [
        {
            "look": 1 + looks.design.looks.index(look.seeds),
            "seeds": look.seeds,
            "value": _label(looks, look),
            "p": look.p,
            "boundary": look.boundary,
            "ratio": look.ratio.ratio,
            "ratio_low": _known(look.ratio.interval[0]),
            "ratio_high": _known(look.ratio.interval[1]),
            "level": look.level,
            "verdict": look.verdict,
            "direction": looks.direction(look) if look.verdict == "differs" else None,
            "extension": looks.extension(look),
        }
        for look in looks.decisions.looks
    ]


def waiting(sweep: Sweep) -> str:
    """Why no claim is made about a sweep whose looks cannot be taken."""
    first = min(plan.looks.looks[0] for plan in sweep.plans if plan.looks)
    return (
        f"Seeds are added here until values are decided (seed=until_decided), and nothing is claimed before "
        f"the first look, at {first} seeds of each value, or where several folders are read together."
    )


def _schedules(looks: Looks) -> str:
    """The declarations of looks, and their dates."""
    design, (first, *later) = looks.design, looks.schedules
    said = (
        f"Seeds were added in looks, at {_listed(first.looks)} seeds of a value; these, the margin and the "
        f"error of {design.alpha:g} were declared before the first."
    )
    if first.reserve:
        said += f" A share of {first.reserve:.0%} of the error was kept for looks that may be added later."
    for schedule in later:
        taken = schedule.taken
        said += (
            f" After the look at {schedule.looks[taken - 1]} seeds ({schedule.declared[:10]}) the looks to "
            f"come were declared anew, at {_listed(schedule.looks[taken:])} seeds. What had been spent by "
            f"then, {design.spent(taken - 1):.2g} of the error, stays spent, with its boundaries and "
            "decisions; the new looks spend what was left, as the spending function does from there on."
        )
        if schedule.reserve:
            said += f" {schedule.reserve:.0%} of the error was kept again."
    if later:
        said += (
            " Looks that are added may depend on what was seen: the error is kept nearly then (Proschan, "
            "Follmann & Waclawiw 1992), and not exactly, as by conditional error (Müller & Schäfer 2001)."
        )
    return said


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def methods(looks: Looks) -> str:
    """The note on the methods of the looks."""
    design, n_others = looks.design, len(looks.axis.values) - 1
    first, *later = looks.schedules
    spends = design.alpha * (1 - first.reserve)
    anew = ", and with what is left over the looks to come where these were declared anew" if later else ""
    low, high = design.margin
    return (
        f"{_schedules(looks)} At a look every undecided value is compared with the reference on all seeds so "
        "far. The score of a trial is 1 where it converged, less the Nelson–Aalen estimate of all compared "
        "trials at its time (log-rank scores); values change places within each seed, in "
        f"{design.paths} random ways that are drawn with the seed and serve all looks. By a look so many of "
        "these ways may have crossed its boundary as Pocock’s spending function allows, "
        f"α ln(1 + (e − 1) t) with α = {spends:.2g}, where t is the share of the greatest number of seeds "
        "(Lan & DeMets 1983). A value differs where all sets of values that hold it have crossed theirs "
        f"(closed test), so that with a probability of at least {1 - design.alpha:.0%} no difference that is "
        "told at any look is wrong. The p of a value is the largest over these sets, with crossings at "
        "earlier looks counted. A value is practically equal where the interval of its ratio of restricted "
        f"means, of level 1 − {2 * spends:.2g} / ({len(first.looks)} looks × {n_others} values){anew}, lies "
        f"within {low:g} to {high:g} and half of the trials of both values converged. Values that are "
        "decided get no more seeds. A ratio that ended the looks early is somewhat too far from 1, because "
        "luck helped it there. The end of the looks decides nothing about a value that is undecided then: "
        "that it is equal is not shown. Restricted means are cut at "
        f"{format_number(looks.timeline.horizon)} {looks.timeline.unit}, as the trials of the first look "
        "allow. Tests for a fixed number of seeds are not made beside the looks: they would be a further "
        "reading of the same trials. What a value needs is computed from the upper 80% limit of the "
        "variance that was seen."
    )


def _known(number: float) -> float | None:
    return number if number == number else None
