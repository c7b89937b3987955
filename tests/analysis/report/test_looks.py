"""The report of a sweep in looks: claims come from the looks alone."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from analysis.estimates.looks import take_looks
from analysis.records.sweep import read_sweep
from analysis.report import looks
from analysis.report.figures import Picture, looks_plot
from analysis.report.figures.looks import looks_figure
from analysis.report.sweep_report import write_report
from tests.analysis.synthetic import extended_sweep, looks_sweep, plan_looks


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return looks_sweep(tmp_path_factory.mktemp("looks") / "s")


@pytest.fixture(scope="module")
def page(sweep: Path) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "analysis.report.sweep_report.paint_all",
            lambda plots: [Picture(*p[:-1], b"png", b"pdf") for p in plots],
        )
        return write_report(sweep).read_text()


def test_claims_come_from_the_looks(page: str) -> None:
    assert "gamma = 0.9 converges slower than gamma = 0.99 (the default): restricted mean 2." in page
    assert "decided with 8 seeds" in page
    for words in (
        "Converged slower than",
        "was shown to differ",
        "closed test up to",
        "choices of threshold",
    ):
        assert words not in page
    assert "<dt>Looks</dt>" in page
    assert "<dt>Tests</dt>" not in page


def test_the_table_has_a_row_for_each_look_at_each_value(sweep: Path, page: str) -> None:
    with open(sweep / "report" / "tables" / "looks_gamma.csv") as file:
        rows = list(csv.DictReader(file))
    found = take_looks(read_sweep(sweep))
    assert found is not None
    assert len(rows) == len(found.decisions.looks)
    first = rows[0]
    assert (first["look"], first["seeds"], first["value"]) == ("1", "8", "0.9")
    assert (first["verdict"], first["direction"]) == ("differs", "slower")
    assert float(first["p"]) <= float(first["boundary"])
    assert page.count("<td>undecided</td>") == sum(row["verdict"] == "undecided" for row in rows) > 0
    assert "looks_gamma" in {path.stem for path in (sweep / "report" / "figures").iterdir()}


def test_lines_of_the_screen(sweep: Path) -> None:
    found = take_looks(read_sweep(sweep))
    assert found is not None
    first, *_ = looks.look_lines(found)
    assert first.startswith("look 1, 8 seeds: gamma = 0.9 differs (slower), 0.95 undecided, 0.999 ")
    for sentence in looks.outcomes(found):
        assert sentence.startswith("gamma = 0.9")


def test_undecided_values_are_never_called_equal(tmp_path: Path) -> None:
    found = take_looks(read_sweep(looks_sweep(tmp_path / "s", seeds=8, looks=(8,))))
    assert found is not None
    said = [text for text in looks.outcomes(found) if "0.95" in text.partition("against")[0]]
    assert len(said) == 1
    assert "is not decided against gamma = 0.99 (the default) within 8 seeds" in said[0]
    assert "not evidence that they are equal" in said[0]
    assert "Finding this ratio with a power of 80% takes" in said[0]


def test_before_the_first_look_nothing_is_claimed(tmp_path: Path) -> None:
    found = take_looks(read_sweep(looks_sweep(tmp_path / "seven", seeds=7)))
    assert found is not None
    assert list(looks.outcomes(found)) == [
        "The first look, at 8 seeds of each value, has not been taken yet."
    ]
    few = looks_sweep(tmp_path / "few", seeds=3)
    page = write_report(few).read_text()
    assert "No claim is made before the first look, at 8 seeds of each value" in page
    assert "<h3>Looks</h3>" not in page


def test_the_figure_draws_paths_that_end_where_values_are_decided(sweep: Path) -> None:
    found = take_looks(read_sweep(sweep))
    assert found is not None
    left, right = looks_figure(found).axes
    boundary, *paths = left.lines
    assert list(boundary.get_xdata()) == [8, 12, 20]
    assert [len(line.get_xdata()) for line in paths] == [
        sum(look.value == code for look in found.decisions.looks) for code in range(4)
    ]
    assert right.get_ylim()[0] < 0.8
    assert right.get_ylim()[1] > 2


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return extended_sweep(tmp_path_factory.mktemp("extended") / "s")


def test_looks_that_were_added_are_told(extended: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.report.sweep_report.paint_all", lambda plots: [])
    page = write_report(extended).read_text()
    assert "20% of the error was reserved for looks that may be added later." in page
    assert "After the look at 8 seeds (2026-11-21), the later looks were declared again, at 12, 20" in page
    assert "The error that had been spent by then, 0.04, stays spent" in page
    assert page.count("Declared on 2026-11-21, after the look at 8 seeds: looks at 12, 20 seeds") == 1
    with open(extended / "report" / "tables" / "looks_gamma.csv") as file:
        rows = list(csv.DictReader(file))
    look_lines = {(row["seeds"], row["extension"], round(float(row["level"]), 9)) for row in rows}
    expected = [("6", "0", 0.04 / 2), ("8", "0", 0.04 / 2), ("12", "1", 0.01 / 2), ("20", "1", 0.01 / 2)]
    assert look_lines == {(seeds, number, round(1 - 2 * each / 3, 9)) for seeds, number, each in expected}


def test_the_looks_before_an_extension_are_as_they_were(extended: Path, tmp_path: Path) -> None:
    before = looks_sweep(tmp_path / "s", seeds=8, looks=(6, 8))
    design = {"declared": "", "taken": 0, "looks": [6, 8], "reserve": 0.2}
    plan_looks(before, (6, 8), defaults={"gamma": 0.99}, designs=[design])
    then, now = (take_looks(read_sweep(place)) for place in (before, extended))
    assert then is not None
    assert now is not None
    assert looks.records(now)[: len(then.decisions.looks)] == looks.records(then)
    assert "20% of the error is left for more looks" in " ".join(looks.outcomes(then))
    assert "is left" not in " ".join(looks.outcomes(now))


def test_the_figure_shows_where_looks_were_added(extended: Path) -> None:
    found = take_looks(read_sweep(extended))
    assert found is not None
    for ax in looks_figure(found).axes:
        (shaded,) = ax.patches
        assert (shaded.get_x(), shaded.get_x() + shaded.get_width()) == (8, 20)
    assert "Shaded: looks that were added" in looks_plot(found).caption
