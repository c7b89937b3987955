"""Which sentences the first screen contains, and which are left out."""

from __future__ import annotations

from analysis.report.screen import Said, first_screen

LONG = "x" * 400


def test_what_is_short_is_said_whole() -> None:
    said = [Said("", ["One.", "Two."]), Said("lr", ["Three."])]
    assert first_screen(said) == (said, 0)


def test_of_much_each_subject_keeps_its_takeaway_first() -> None:
    said = [Said("", ["All.", LONG]), Said("lr", [LONG, "Faster."], 1), Said("batch", ["Slower.", LONG])]
    found = first_screen(said, 600)
    assert [each.sentences for each in found.said] == [["All."], ["Faster."], ["Slower."]]
    assert found.rest == 3


def test_claims_come_before_what_only_describes() -> None:
    said = [Said("", ["All."]), Said("lr", [LONG, "Slower.", "Undecided."], 1)]
    assert first_screen(said, 400).said[1].sentences == ["Slower.", "Undecided."]


def test_sentences_keep_their_order_and_the_first_subject_is_never_left_out() -> None:
    found = first_screen([Said("", [LONG, "Last."], 1)], 10_000)
    assert found.said[0].sentences == [LONG, "Last."]
    assert first_screen([Said("", [LONG])], 10).said[0].sentences == [LONG]
