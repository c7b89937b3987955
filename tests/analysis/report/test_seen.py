"""Sentences about trials that may have been seen before, and about tests that use them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.records.sweep import read_sweep
from analysis.report.seen import sentences
from tests.analysis.synthetic import looks_sweep, taken_from, write_sweep

ADDED = "14% of sweeps without any effect show one"


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    return write_sweep(tmp_path / "s", {"lr": [0.1, 0.2]}, 3, lambda cell, seed: 5000)


def said(*folders: Path) -> str:
    return " ".join(sentences(read_sweep(folders)))


def test_of_trials_that_were_trained_here_nothing_is_said(sweep: Path) -> None:
    assert said(sweep) == ""


def test_where_trials_were_taken_from(sweep: Path) -> None:
    """One value from one sweep and the other from another: no seeds were added to either."""
    for seed in range(3):
        taken_from(sweep / f"lr=0.1,seed={seed}", "outputs/first")
        taken_from(sweep / f"lr=0.2,seed={seed}", "outputs/second")
    assert said(sweep) == (
        "6 of 6 trials were not trained for this sweep, but taken from earlier training by the same program, "
        "3 in outputs/first and 3 in outputs/second."
    )
    assert said(sweep / "lr=0.1,seed=0") == (
        "1 of 1 trial was not trained for this sweep, but taken from earlier training by the same program, "
        "in outputs/first."
    )


@pytest.mark.parametrize("others", [None, "outputs/second"])
def test_seeds_that_were_added_to_known_ones(others: str | None, sweep: Path) -> None:
    """By training or by taking."""
    for seed in range(3):
        folder = others if seed == 2 else "outputs/first"
        if folder:
            taken_from(sweep / f"lr=0.2,seed={seed}", folder)
    assert "Seeds were added to trials that had been seen before. If" in said(sweep)
    assert ADDED in said(sweep)


def test_looks_have_a_caution_of_their_own(tmp_path: Path) -> None:
    sweep = looks_sweep(tmp_path / "s", seeds=8)
    assert said(sweep) == ""
    taken_from(sweep / "gamma=0.9,seed=1", "outputs/first")
    assert "The looks keep their declared error, unless" in said(sweep)
    assert ADDED not in said(sweep)


def test_a_sweep_that_was_extended_says_so_once(sweep: Path) -> None:
    plan = json.loads((sweep / "sweep.json").read_text())
    (sweep / "sweep.json").write_text(json.dumps({**plan, "extended": True}))
    taken_from(sweep / "lr=0.2,seed=1", "outputs/first")
    assert "after the sweep had ended" in said(sweep)
    assert said(sweep).count(ADDED) == 1


def test_a_trial_and_its_copy_that_are_read_together_are_one(sweep: Path, tmp_path: Path) -> None:
    copy = write_sweep(tmp_path / "t", {"lr": [0.1, 0.2]}, 3, lambda cell, seed: 5000)
    for trial in copy.glob("*=*"):
        taken_from(trial, str(sweep))
    assert "6 of 6 trials" in said(copy)
    assert said(sweep, copy) == ""
