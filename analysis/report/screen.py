"""The first screen of a report: the most important sentences, as many as fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

LETTERS = 1500
"""Letters of text that fit beside a figure on a screen of 1280 x 800 points."""
HEADING, LINE = 90, 70
"""Letters whose space a heading and a line take. A sentence ends, on average, half-way in a line."""


class SubjectSentences(NamedTuple):
    """Sentences about one subject."""

    heading: str
    """Empty for sentences about the whole report."""
    sentences: Sequence[str]
    takeaway: int = 0
    """Index of the most important sentence."""


class Screen(NamedTuple):
    subjects: list[SubjectSentences]
    """The sentences that fit."""
    rest: int
    """Number of sentences that do not fit."""


def first_screen(subjects: Sequence[SubjectSentences], letters: int = LETTERS) -> Screen:
    """Choose the most important sentence of each subject, then the others, up to `letters`.

    The sentences after the most important one are claims, those before it only describe: claims come first.
    Each subject keeps the order of its sentences. A subject for which there is no room is left out. The most
    important sentence of the first subject is always kept.
    """
    ranked = sorted(
        ((number, index) for number, each in enumerate(subjects) for index in range(len(each.sentences))),
        key=lambda pair: _rank(pair[1], subjects[pair[0]].takeaway),
    )
    chosen: set[tuple[int, int]] = set()
    for number, index in ranked:
        is_new = all(other != number for other, _ in chosen)
        letters -= len(subjects[number].sentences[index]) + LINE // 2 + (HEADING if is_new and number else 0)
        if letters < 0 and chosen:
            break
        chosen.add((number, index))
    shown = [
        each._replace(
            sentences=[text for index, text in enumerate(each.sentences) if (number, index) in chosen]
        )
        for number, each in enumerate(subjects)
    ]
    rest = sum(len(each.sentences) for each in subjects) - len(chosen)
    return Screen([each for each in shown if each.sentences], rest)


def _rank(index: int, takeaway: int) -> int:
    if index == takeaway:
        return 0
    return 1 if index > takeaway else 2
