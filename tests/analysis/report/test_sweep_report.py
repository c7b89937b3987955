"""The page is complete, self-contained and safe for every kind of sweep."""

from __future__ import annotations

import base64
import csv
import hashlib
import html.parser
import re
from pathlib import Path

import pytest

from analysis.errors import AnalysisError, SkippedWarning
from analysis.report.figures import Picture
from analysis.report.sweep_report import write_report
from tests.analysis.synthetic import write_sweep, write_trial

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


@pytest.fixture(autouse=True)
def _blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures have tests of their own, and take their time."""
    blank = [b"png", b"pdf", b"svg", "drawn,value\n", "What is seen"]
    monkeypatch.setattr(
        "analysis.report.sweep_report.paint_all", lambda plots: [Picture(*p[:-1], *blank) for p in plots]
    )


class Tags(html.parser.HTMLParser):
    """Collects the tags of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_a_report_has_page_figures_and_tables(buffers: Path) -> None:
    page = write_report(buffers)
    assert page == buffers / "report" / "index.html"
    text = page.read_text()
    assert "<title>How does buffer change convergence?</title>" in text
    names = {path.name for path in (buffers / "report" / "figures").iterdir()}
    kinds = ("convergence", "survival", "final_return", "returns", "loss", "profile", "attainment")
    for kind in kinds:
        assert {f"{kind}_buffer.png", f"{kind}_buffer.pdf"} <= names
    assert text.count("data:image/png;base64,") == len(kinds)
    tables = {path.name for path in (buffers / "report" / "tables").iterdir()}
    assert tables == {"trials.csv", "configurations.csv", "values_buffer.csv", "attainment_buffer.csv"}


def test_the_page_asks_the_network_for_nothing(buffers: Path) -> None:
    """Its links lead to what lies beside it; in it are pictures, and numbers where these are few."""
    page = write_report(buffers)
    for tag, attributes in Tags(page.read_text()).seen:
        assert tag not in ("link", "iframe", "object")
        source, link = attributes.get("src"), attributes.get("href") or "#"
        assert source is None or (tag == "img" and source.startswith("data:image/png;base64,"))
        assert link.startswith(("#", "data:text/csv;")) or (page.parent / link).is_file()


def test_only_the_page_s_own_script_may_run_in_it(buffers: Path) -> None:
    page = write_report(buffers).read_text()
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;" in page or f"script-src 'sha256-{digest}'" in page


def test_hostile_names_are_only_text(tmp_path: Path) -> None:
    sweep = tmp_path / "<script>alert(0)<"
    common = {"env.id": HOSTILE}
    write_sweep(sweep, {"agent.note": [HOSTILE, "$x_"]}, 2, lambda cell, seed: 5000, common)
    write_trial(sweep / "<script>alert(3)", {"seed": 9, **common}, status="failed", cause=HOSTILE, end=100)
    write_trial(sweep / "odd", {"env.kwargs.<script>": 1, "seed": 8, **common}, 5000)
    page = write_report(sweep).read_text()
    tags = Tags(page).seen
    assert len([tag for tag, _ in tags if tag == "script"]) == 1
    assert not [attributes for tag, attributes in tags if tag == "img" and attributes.get("src") == "x"]
    assert "&lt;script&gt;alert(1)" in page
    assert "&lt;script&gt;alert(3)" in page
    assert sorted(path.name for path in tmp_path.iterdir()) == [sweep.name]


def test_broken_trials_are_named_on_the_page(buffers: Path) -> None:
    (buffers / "buffer=500,seed=0" / "trial.json").write_text("{")
    write_trial(buffers / "late", {"buffer": 500, "seed": 7}, status="running", end=1000)
    write_trial(buffers / "cut", {"buffer": 500, "seed": 8}, status="pruned", end=1000, cause="too slow")
    write_trial(buffers / "nan", {"buffer": 500, "seed": 9}, status="diverged", end=1000)
    with pytest.warns(SkippedWarning, match="seed=0"):
        page = write_report(buffers).read_text()
    left = page[page.index('id="left-out"') : page.index('id="provenance"')]
    for run, why in (("buffer=500,seed=0", "cannot be read"), ("late", "interrupted"), ("cut", "too slow")):
        assert run in left
        assert why in left
    assert "nan</td>" not in left
    assert "1 diverged" in page


def test_missing_numbers_are_never_shown_as_nan(buffers: Path) -> None:
    write_trial(buffers / "x", {"buffer": 500, "seed": 9}, status="failed", end=0)
    text = re.sub(r"data:image[^\"]*", "", write_report(buffers).read_text())
    assert not re.search(r">[^<]*\b(nan|None|inf)\b[^<]*<", text)


TWO = {"lr": [0.1, 0.2], "batch": [1, 2]}


@pytest.mark.parametrize("axes", [{}, TWO, {**TWO, "gamma": [0.9, 1.0]}])
def test_any_number_of_axes(tmp_path: Path, axes: dict[str, list[float]]) -> None:
    write_sweep(tmp_path / "s", axes, 1, lambda cell, seed: 5000)
    page = write_report(tmp_path / "s").read_text()
    assert page.rstrip().endswith("</html>")
    for name in axes:
        assert f'id="axis-{name}"' in page


def test_a_single_trial_and_another_folder(tmp_path: Path) -> None:
    trial = write_trial(tmp_path / "one", time=5000)
    assert write_report(trial, tmp_path / "out" / "deep").read_text()
    assert not (trial / "report").exists()


def test_only_failures_still_make_a_page(tmp_path: Path) -> None:
    write_trial(tmp_path / "a", status="failed", cause="no memory", end=0)
    assert "no memory" in write_report(tmp_path).read_text()


def test_a_study_of_many_values_is_readable(tmp_path: Path) -> None:
    for number in range(20):
        values = {"lr": 0.001 * 1.37**number, "gamma": 1 - 0.1 / (number + 1), "seed": 3}
        write_trial(tmp_path / "trials" / f"{number:04}" / "seed=3", values, 3000 + 500 * number)
    page = write_report(tmp_path).read_text()
    assert "How do" in page or "How does" in page


def test_the_same_trials_give_the_same_report(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2]}, 6, lambda cell, seed: 4000 * (seed + 1))
    first = write_report(tmp_path / "s").read_bytes()
    assert write_report(tmp_path / "s").read_bytes() == first


def test_a_report_that_dies_leaves_the_old_page(buffers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = write_report(buffers)
    before = page.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_report(buffers)
    assert page.read_bytes() == before
    assert sorted(path.name for path in page.parent.iterdir()) == ["figures", "index.html", "tables"]


def test_figures_and_tables_of_an_earlier_report_do_not_stay(buffers: Path) -> None:
    report = write_report(buffers).parent
    for stale in (report / "figures" / "old.png", report / "tables" / "old.csv"):
        stale.write_text("of another sweep")
    (report / "notes.txt").write_text("mine")
    write_report(buffers)
    assert not list(report.glob("*/old.*"))
    assert (report / "notes.txt").read_text() == "mine"


def test_folders_that_are_no_reports_are_left_alone(buffers: Path, tmp_path: Path) -> None:
    mine = tmp_path / "paper" / "figures" / "mine.png"
    mine.parent.mkdir(parents=True)
    mine.write_text("precious")
    with pytest.raises(AnalysisError, match="paper holds figures/ that no report wrote"):
        write_report(buffers, tmp_path / "paper")
    assert mine.read_text() == "precious"


def test_a_grid_shows_its_configurations_before_it_pools(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s", TWO, 3, lambda cell, seed: 5000 * (seed + 1))
    page = write_report(tmp_path / "s").read_text()
    assert page.index('id="configurations"') < page.index('id="axis-lr"')
    assert "pools the trials of every value of lr" in page


def test_several_sweeps_make_one_report(tmp_path: Path) -> None:
    for name, norm in (("first", None), ("second", 10)):
        write_sweep(tmp_path / name, {"agent.max_grad_norm": [norm]}, 2, lambda cell, seed: 5000)
    page = write_report([tmp_path / "first", tmp_path / "second"], tmp_path / "out")
    assert "<code>first</code>, <code>second</code>" in page.read_text()
    with open(tmp_path / "out" / "tables" / "values_agent.max_grad_norm.csv", newline="") as file:
        assert [row["agent.max_grad_norm"] for row in csv.DictReader(file)] == ["none", "10"] * 2


def test_what_cannot_be_judged_is_no_share_anywhere(tmp_path: Path) -> None:
    sweep = write_sweep(
        tmp_path / "s", {"lr": [0.1, 0.2]}, 2, lambda cell, seed: 500, {"budget.env_steps": 1000}
    )
    page = re.sub(r"data:image[^\"]*", "", write_report(sweep).read_text())
    assert "cannot be judged" in page
    assert "%</td>" not in page
    assert "<th>converged</th>" not in page
    with open(sweep / "report" / "tables" / "values_lr.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row[name] for row in rows for name in ("converged", "converged_share", "median", "rmst")} == {""}


def test_the_area_of_a_value_with_a_diverged_trial_is_minus_infinity_as_in_a_study(buffers: Path) -> None:
    write_trial(buffers / "x", {"buffer": 500, "seed": 9}, status="diverged", end=9000)
    page = write_report(buffers).read_text()
    assert page.count("<td>−∞</td>") == 1
    assert "minus infinity, as in a study" in page
