"""Which sentences the first screen contains, and which are left out."""

from __future__ import annotations

from analysis.report.screen import SubjectSentences, first_screen

LONG = "x" * 400


def test_what_is_short_is_said_whole() -> None:
    subjects = [SubjectSentences("", ["One.", "Two."]), SubjectSentences("lr", ["Three."])]
    assert first_screen(subjects) == (subjects, 0)


def test_of_much_each_subject_keeps_its_takeaway_first() -> None:
    subjects = [
        SubjectSentences("", ["All.", LONG]),
        SubjectSentences("lr", [LONG, "Faster."], 1),
        SubjectSentences("batch", ["Slower.", LONG]),
    ]
    found = first_screen(subjects, 600)
    assert [each.sentences for each in found.subjects] == [["All."], ["Faster."], ["Slower."]]
    assert found.rest == 3


def test_claims_come_before_what_only_describes() -> None:
    subjects = [SubjectSentences("", ["All."]), SubjectSentences("lr", [LONG, "Slower.", "Undecided."], 1)]
    assert first_screen(subjects, 400).subjects[1].sentences == ["Slower.", "Undecided."]


def test_sentences_keep_their_order_and_the_first_subject_is_never_left_out() -> None:
    found = first_screen([SubjectSentences("", [LONG, "Last."], 1)], 10_000)
    assert found.subjects[0].sentences == [LONG, "Last."]
    assert first_screen([SubjectSentences("", [LONG])], 10).subjects[0].sentences == [LONG]
