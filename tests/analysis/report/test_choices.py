"""`python -m analysis robustness`, and the same in a report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from analysis.__main__ import main
from analysis.estimates import compare
from analysis.estimates.blocked import Shuffler
from analysis.estimates.robustness import Choice, Robustness, examine
from analysis.records.sweep import Sweep, read_sweep
from analysis.report.choices import sentences, table
from analysis.report.figures.choices import STEPS, choices_map
from tests.analysis.estimates.test_compare import effect_sweep
from tests.analysis.synthetic import write_sweep


def examined(sweep: Sweep) -> Robustness | None:
    timeline = sweep.timelines[0]
    of = compare.compared(sweep, sweep.axes[0], timeline)
    return examine(sweep, of, timeline, Shuffler(np.random.default_rng(0), 500))


def test_the_declared_choice_is_the_test_of_the_report(tmp_path: Path) -> None:
    sweep = read_sweep(effect_sweep(tmp_path / "s"))
    found = examined(sweep)
    assert found is not None
    assert found.choices[found.declared] == Choice("log-rank", 50_000, 195, 3)
    (test,) = compare.axis_tests(
        [compare.compared(sweep, sweep.axes[0], sweep.timelines[0])],
        sweep.timelines[0],
        Shuffler(np.random.default_rng(0), 500),
    )
    assert test.omnibus is not None
    assert found.p[found.declared] == pytest.approx(test.omnibus.p, abs=0.01)


def test_what_holds_and_what_breaks_is_told(tmp_path: Path) -> None:
    sweep = read_sweep(effect_sweep(tmp_path / "s"))
    found, axis = examined(sweep), sweep.axes[0]
    assert found is not None
    of = compare.compared(sweep, axis, sweep.timelines[0])
    first, together, best = sentences(axis, of, found)
    assert "gamma: the declared analysis finds that values differ" in first
    assert f"so do {(found.p < 0.05).sum()} of {len(found.choices)} choices" in first
    assert "for the strongest of them" in together
    assert "0.9 by" in best
    rows = table(axis, of, found)
    names = list(rows.columns[0].cells)
    assert names[:4] == ["measure log-rank", "measure RMST", "measure area", "measure final"]
    assert "3 in a row" in names
    assert "5 in a row" not in names  # a trial that stops when it has converged shows no longer run


def test_the_map_has_a_cell_for_each_choice_and_a_frame(tmp_path: Path) -> None:
    found = examined(read_sweep(effect_sweep(tmp_path / "s")))
    assert found is not None
    cells = choices_map(found).axes[0].patches
    assert len(cells) == len(found.choices) + 1
    dark = to_rgb(STEPS[0][2])
    assert sum(cell.get_facecolor()[:3] == dark for cell in cells) == (found.p < 0.01).sum()


def test_the_command_prints_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = str(effect_sweep(tmp_path / "s", seeds=6))
    assert main(["robustness", sweep, "--figure", str(tmp_path / "map.png")]) == 0
    assert "choices of threshold, evaluations in a row" in capsys.readouterr().out.replace("\n", " ")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_a_sweep_without_shared_seeds_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = write_sweep(tmp_path / "s", {"lr": [0.1, 0.2]}, 2, lambda cell, seed: 5000)
    assert main(["robustness", str(sweep)]) == 2
    assert "no axis has two values that share 6 seeds" in capsys.readouterr().err


def test_a_sweep_in_looks_is_only_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = effect_sweep(tmp_path / "s", seeds=6)
    assert main(["robustness", str(root)]) == 0
    assert "added in looks" not in capsys.readouterr().out
    plan = json.loads((root / "sweep.json").read_text())
    design = {"first": 0, "looks": [6, 8], "margin": [0.8, 1.25], "alpha": 0.05}
    (root / "sweep.json").write_text(json.dumps({**plan, "seeds": design}))
    assert main(["robustness", str(root)]) == 0
    assert "seeds of this sweep were added in looks" in capsys.readouterr().out
