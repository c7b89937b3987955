"""Pieces of a report for use from Python."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from analysis.errors import AnalysisError
from analysis.report import figure, findings_about, inline
from analysis.report.summary import summary_table


def test_a_figure_is_found_by_its_kind(buffers: Path) -> None:
    picture = figure(buffers, "final_return")
    assert repr(picture) == "Picture('final_return_buffer')"
    shapes = [Image.open(io.BytesIO(each.png)).size for each in (picture, picture.lighter())]
    assert shapes[0] == shapes[1]
    assert len(picture.lighter().png) < len(picture.png) / 2
    with pytest.raises(AnalysisError, match=r"figure 'final': unknown\. Allowed: convergence_buffer, "):
        figure(buffers, "final")


def test_a_summary_has_the_table_of_the_screen(buffers: Path) -> None:
    page = inline(buffers)
    for row in summary_table(buffers):
        for text in row.values():
            assert f">{text}</td>" in page
    assert page.count("<img") == 1


def test_findings_are_sentences(buffers: Path) -> None:
    found = findings_about(buffers)
    assert found[0].startswith("Fastest in these trials: buffer = ")
    assert all(sentence.endswith(".") for sentence in found)
