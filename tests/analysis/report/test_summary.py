"""The terminal's final table."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.report.summary import summary_table
from dqn_exp.text import format_number
from tests.analysis.synthetic import taken_from, write_sweep, write_trial


def test_one_row_per_configuration_as_text(buffers: Path) -> None:
    rows = summary_table(buffers)
    assert list(rows[0])[:4] == ["buffer", "n", "converged", "median environment steps"]
    assert [row["buffer"] for row in rows] == ["500", "17k", "100k"]
    assert [row["converged"] for row in rows] == ["0", "3", "3"]
    assert rows[0]["median environment steps"] == "not reached"


def test_a_sweep_of_seeds_is_one_row(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s", {}, 3, lambda cell, seed: 5000)
    (row,) = summary_table(tmp_path / "s")
    assert (row["configuration"], row["n"]) == ("all trials", "3")


def test_diverged_trials_have_a_column_where_there_are_any(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path / "s", {"lr": [0.1, 1.0]}, 3, lambda cell, seed: 5000)
    assert "diverged" not in summary_table(sweep)[0]
    write_trial(
        sweep / "lost", {"lr": 1.0, "seed": 9}, status="diverged", end=40, cause="the loss became nan"
    )
    assert [row["diverged"] for row in summary_table(sweep)] == ["0", "1"]


def test_taken_trials_have_a_column_where_there_are_any(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path / "s", {"lr": [0.1, 1.0]}, 3, lambda cell, seed: 5000)
    assert "taken" not in summary_table(sweep)[0]
    taken_from(sweep / "lr=1.0,seed=2", "outputs/first")
    assert [row["taken"] for row in summary_table(sweep)] == ["0", "1"]


def test_a_value_whose_trials_all_failed_has_not_failed_to_converge(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path / "s", {"lr": [0.1]}, 2, lambda cell, seed: 5000)
    assert "left out" not in summary_table(sweep)[0]
    write_trial(sweep / "lost", {"lr": 9.0}, status="failed", end=0)
    good, lost = summary_table(sweep)
    assert (good["n"], good["left out"], good["converged"]) == ("2", "0", "2")
    assert (lost["n"], lost["left out"], lost["converged"]) == ("0", "1", "–")


def test_what_cannot_be_judged_is_no_zero(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path / "s", {}, 2, lambda cell, seed: 500, {"budget.env_steps": 1000})
    (row,) = summary_table(sweep)
    assert row["converged"] == "cannot be judged"
    assert row["median environment steps"] == "–"


def test_it_imports_nothing_heavy() -> None:
    code = (
        "import sys, analysis.report.summary as s\n"
        "heavy = ('torch', 'pandas', 'matplotlib', 'scipy.stats')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("value", "text"),
    [(12_340.4, "12\u202f340"), (0.05, "0.05"), (199.96, "200"), (math.inf, "not reached"), (math.nan, "–")],
)
def test_numbers_read_easily(value: float, text: str) -> None:
    assert format_number(value) == text
