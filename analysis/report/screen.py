"""What a reader sees first: as many of a report's sentences as fit a screen, the most telling ones first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

LETTERS = 1500
"""Of the sentences that stand beside a figure on a screen of 1280 x 800 points."""
HEADING, LINE = 90, 70
"""Letters for which a heading, and a line, leave no room; a sentence ends, on average, half-way in a line."""


class Said(NamedTuple):
    """Sentences about one subject."""

    heading: str
    """Empty for what is about the whole."""
    sentences: Sequence[str]
    takeaway: int = 0
    """Which of the sentences says the most."""


class Screen(NamedTuple):
    said: list[Said]
    """What fits."""
    rest: int
    """How many sentences do not."""


def first_screen(said: Sequence[Said], letters: int = LETTERS) -> Screen:
    """The most telling sentence of each subject, then the others in their order, while `letters` suffice.

    Each subject keeps the order of its sentences; one for which there is no room is left out. What is of
    the first subject is always there.
    """
    ranked = sorted(
        ((place, index) for place, each in enumerate(said) for index in range(len(each.sentences))),
        key=lambda found: found[1] != said[found[0]].takeaway,
    )
    chosen: set[tuple[int, int]] = set()
    for place, index in ranked:
        is_new = all(other != place for other, _ in chosen)
        letters -= len(said[place].sentences[index]) + LINE // 2 + (HEADING if is_new and place else 0)
        if letters < 0 and chosen:
            break
        chosen.add((place, index))
    kept = [
        each._replace(
            sentences=[text for index, text in enumerate(each.sentences) if (place, index) in chosen]
        )
        for place, each in enumerate(said)
    ]
    rest = sum(len(each.sentences) for each in said) - len(chosen)
    return Screen([each for each in kept if each.sentences], rest)
