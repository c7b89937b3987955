"""Several sweeps side by side in one report."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from analysis.records import read_sweep
from analysis.report.side_by_side import compare_sweeps
from dqn_exp.text import format_number
from tests.analysis.synthetic import BUDGET, write_sweep


@pytest.fixture
def old_and_new(tmp_path: Path) -> list[Path]:
    """The same trials with two programs; the new one is slower with one seed, and tried another value."""
    old = write_sweep(tmp_path / "old", {"lr": [0.1, 0.2]}, 2, lambda cell, seed: 5000)
    new = write_sweep(tmp_path / "new", {"lr": [0.2, 0.4]}, 2, lambda cell, seed: 5000 + 5000 * seed)
    for path in new.rglob("trial.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "source": "another"}))
    return [old, new]


def test_each_sweep_counts_for_itself(old_and_new: list[Path]) -> None:
    found = compare_sweeps(read_sweep(old_and_new))
    assert found is not None
    assert [(row["sweep"], row["varies"], row["n"], row["rmst"]) for row in found.outcomes] == [
        ("old", "lr (2)", 4, 5000), ("new", "lr (2)", 4, 7500),
    ]  # fmt: skip
    assert [(row["lr"], row["sweep"], row["n"], row["rmst"]) for row in found.shared] == [
        (0.2, "old", 2, 5000), (0.2, "new", 2, 7500),
    ]  # fmt: skip
    assert set(found.panels) == {"old", "new"}


def test_programs_and_settings_that_differ_are_told(old_and_new: list[Path]) -> None:
    found = compare_sweeps(read_sweep(old_and_new))
    assert found is not None
    different = {row["key"]: (row["old"], row["new"]) for row in found.differences}
    assert different["source"][1] == "another"
    assert different["lr"] == ("0.1, 0.2", "0.2, 0.4")
    assert not {"optimizer.lr", "seed", "gamma"} & different.keys()


def test_equal_trials_are_counted(old_and_new: list[Path]) -> None:
    found = compare_sweeps(read_sweep(old_and_new))
    assert found is not None
    (sentence,) = found.sentences
    assert sentence.startswith("Trials of the same configuration and seed in old and new: 2 in each.")
    assert "1 of 2 ended with the same numbers" in sentence


def test_different_budgets_are_told_first(tmp_path: Path) -> None:
    short, long = (
        write_sweep(
            tmp_path / name,
            {"lr": [0.1]},
            2,
            lambda cell, seed: math.inf,
            {"budget.env_steps": times * BUDGET},
        )
        for name, times in (("short", 1), ("long", 2))
    )
    found = compare_sweeps(read_sweep([short, long]))
    assert found is not None
    steps, twice = (format_number(times * BUDGET) for times in (1, 2))
    assert found.sentences[0] == (
        f"The sweeps have different budgets (environment steps: short {steps}, long {twice}): times of "
        f"convergence are compared up to {steps}, and final returns as they were after each budget."
    )


def test_one_sweep_stands_alone(old_and_new: list[Path]) -> None:
    assert compare_sweeps(read_sweep(old_and_new[0])) is None
