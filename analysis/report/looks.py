"""The looks of a sweep in words, for the terminal and for the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from analysis.estimates.looks import Looks
from analysis.estimates.planning import POWER
from analysis.estimates.sequential import Look
from analysis.records import Sweep
from analysis.wording import estimate_text, hundredths, p_number, p_value
from dqn_exp.scores import LEVEL
from dqn_exp.text import format_number

MOST_STATED = 10_000
"""The largest number of seeds that is stated; above it, the text says "more than"."""


def look_lines(looks: Looks) -> list[str]:
    """A line for each look: "look 2, 12 seeds: buffer = 500 differs (slower), 100k undecided"."""
    lines = []
    for number, seeds in enumerate(looks.design.looks, 1):
        taken = [look for look in looks.decisions.looks if look.seeds == seeds]
        if taken:
            verdicts = ", ".join(f"{_label(looks, look)} {_verdict(looks, look)}" for look in taken)
            lines.append(f"look {number}, {seeds} seeds: {looks.axis.name} = {verdicts}")
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
        yield f"The first look, at {looks.design.looks[0]} seeds of each value, has not been taken yet."
    for look in sorted(looks.last, key=lambda look: look.verdict == "undecided"):
        yield _outcome(looks, look, reference)
    if looks.decisions.is_over and looks.unspent and "undecided" in looks.decisions.verdicts.values():
        yield (
            f"{looks.unspent:.0%} of the error is left for more looks. To continue, repeat the command with "
            f"its hydra.sweep.dir, longer seeds.looks and a smaller seeds.reserve."
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
            boundary = f"boundary {p_number(look.boundary)}"
            return f"{value} {how}: {ratio(look)}, {p_value(look.p)}, {boundary}; {after}."
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
                f"{value} {alike} {reference} with each of {look.seeds} seeds: with 95% confidence, they "
                f"differ for fewer than {most:.0%} of seeds."
            )
    if not looks.decisions.is_over:
        return f"{value} is undecided with {look.seeds} seeds: {ratio(look)}."
    return (
        f"{value} is not decided against {reference} within {look.seeds} seeds: {ratio(look)}. That is not "
        f"evidence that they are equal. {_needed(looks, look)}"
    )


def ratio(look: Look) -> str:
    """ "restricted mean 1.31 times as long (0.94 to 1.83)"."""
    estimate = estimate_text(look.ratio.ratio, look.ratio.interval, hundredths, " times as long")
    return f"restricted mean {estimate}"


def _needed(looks: Looks, look: Look) -> str:
    """The number of seeds that a new sweep would need to decide."""
    needed = looks.needed(look)
    if needed is None:
        return "The number of seeds needed is unknown: trials of one seed did not differ."
    low, high = looks.design.margin
    difference = f"Finding this ratio with a power of {POWER:.0%} takes {_seeds(needed.difference)}"
    if needed.equality is None:
        return f"{difference}; equality cannot be shown if fewer than half of the trials converge."
    return f"{difference}; showing equality within {low:g} to {high:g} takes {_seeds(needed.equality)}."


def _seeds(number: int | None) -> str:
    if number is None or number > MOST_STATED:
        return f"more than {format_number(MOST_STATED)} seeds of each value"
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
        f"This sweep adds seeds until its values are decided (seed=until_decided). No claim is made before "
        f"the first look, at {first} seeds of each value, or if several folders are read together."
    )


def _schedules(looks: Looks) -> str:
    """The declarations of looks, and their dates."""
    design, (first, *later) = looks.design, looks.schedules
    text = (
        f"Seeds were added in looks, at {_listed(first.looks)} seeds of each value. The looks, the margin "
        f"and the error of {design.alpha:g} were declared before the first look."
    )
    if first.reserve:
        text += f" {first.reserve:.0%} of the error was reserved for looks that may be added later."
    for schedule in later:
        taken = schedule.taken
        text += (
            f" After the look at {schedule.looks[taken - 1]} seeds ({schedule.declared[:10]}), the later "
            f"looks were declared again, at {_listed(schedule.looks[taken:])} seeds. The error that had been "
            f"spent by then, {p_number(design.spent(taken - 1))}, stays spent, and earlier boundaries and "
            "decisions stay as they were. The new looks spend the rest, as the spending function does from "
            "there on."
        )
        if schedule.reserve:
            text += f" {schedule.reserve:.0%} of the error was reserved again."
    if later:
        text += (
            " Added looks may depend on earlier results. The error is then kept approximately (Proschan, "
            "Follmann & Waclawiw 1992), not exactly as with conditional error (Müller & Schäfer 2001)."
        )
    return text


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def methods(looks: Looks) -> str:
    """The note on the methods of the looks, one paragraph a line."""
    design, n_others = looks.design, len(looks.axis.values) - 1
    first, *later = looks.schedules
    spends = design.alpha * (1 - first.reserve)
    anew = "; for looks that were declared again, the rest of the error over these looks" if later else ""
    low, high = design.margin
    return (
        f"{_schedules(looks)}\n"
        "At each look, every undecided value is compared with the reference on all seeds so far. The score "
        "of a trial is 1 if it converged and otherwise 0, minus the Nelson–Aalen estimate of all compared "
        f"trials at its time (log-rank scores). Values are permuted within each seed, in {design.paths} "
        "random ways that are drawn once for each seed and used at all looks.\n"
        "The boundary of a look limits the share of these permutations that have crossed a boundary by then "
        f"to what Pocock’s spending function allows: α ln(1 + (e − 1) t) with α = {p_number(spends)}, where "
        "t is the share of the greatest number of seeds (Lan & DeMets 1983).\n"
        "A value differs if every set of values that contains it has crossed its boundary (closed test). So, "
        f"with a probability of at least {1 - design.alpha:.0%}, no difference that is reported at any look "
        "is wrong. The p of a value is the largest over these sets; crossings at earlier looks count.\n"
        f"A value is practically equal if the interval of its ratio of restricted means lies within {low:g} "
        f"to {high:g} and at least half of the trials of both values converged. The level of the interval is "
        f"1 − {p_number(2 * spends)} / ({len(first.looks)} looks × {n_others} values){anew}.\n"
        "Decided values get no more seeds. If a value was decided early, its ratio is somewhat too far from "
        "1, because luck helped to decide it. A value that is undecided after the last look is not shown to "
        "be equal.\n"
        f"Restricted means are cut at {format_number(looks.timeline.horizon)} {looks.timeline.unit}, the "
        "horizon of the trials of the first look. There are no tests for a fixed number of seeds beside the "
        "looks: they would test the same trials again. The number of seeds that a value needs is computed "
        "from the upper 80% limit of the observed variance."
    )


def _known(number: float) -> float | None:
    return number if number == number else None
