"""The notes of a report on its methods and on the origin of its trials."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.records import read_sweep
from analysis.report.methods import notes, provenance
from analysis.report.methods import tests as how_tested
from tests.analysis.synthetic import write_sweep, write_trial

HERE = {"git": {"commit": "abc1234", "dirty": False}, "versions": {"torch": "2.12"}, "host": "a", "cpu": "x"}
THERE = {"git": {"commit": "def5678", "dirty": True}, "versions": {"torch": "2.13"}, "host": "b", "cpu": "x"}


@pytest.fixture
def continued(tmp_path: Path) -> Path:
    """Two trials: one went on with another program, the other with the same one."""
    for name, attempts in (("a", [HERE, THERE]), ("b", [HERE, HERE])):
        trial = write_trial(tmp_path / name, {"lr": len(name)}, 5000)
        record = json.loads((trial / "trial.json").read_text())
        record |= {"format": 2, "attempts": attempts}
        (trial / "trial.json").write_text(json.dumps(record))
    return tmp_path


def test_every_attempt_of_a_trial_tells_with_what_it_was_trained(continued: Path) -> None:
    told = dict(provenance(read_sweep(continued)))
    assert told["Source"] == "commit abc1234; commit def5678 with changes"
    assert told["Versions"] == "torch 2.12; torch 2.13"
    assert told["Host"] == "a (x); b (x)"
    assert told["Continued with another program"] == "another commit or other versions: a"


def test_a_trial_that_could_not_be_continued_exactly_is_named(continued: Path) -> None:
    assert "Not continued exactly" not in dict(provenance(read_sweep(continued)))
    record = json.loads((continued / "b" / "trial.json").read_text())
    record["attempts"][1]["exact"] = False
    (continued / "b" / "trial.json").write_text(json.dumps(record))
    told = dict(provenance(read_sweep(continued)))["Not continued exactly"]
    assert told.endswith("other numbers: b")


def test_a_trial_with_odd_attempts_is_left_out_and_named(continued: Path) -> None:
    record = json.loads((continued / "b" / "trial.json").read_text())
    (continued / "b" / "trial.json").write_text(json.dumps({**record, "attempts": "two"}))
    sweep = read_sweep(continued)
    assert [trial.run for trial in sweep.trials] == ["a"]
    assert [(one.run, "attempts='two'" in one.reason) for one in sweep.skipped] == [("b", True)]


def test_where_nothing_differs_nothing_is_said_of_it(buffers: Path) -> None:
    told = dict(provenance(read_sweep(buffers)))
    assert told["Source"] == "commit abc1234"
    assert "Continued with another program" not in told


def test_seconds_as_a_budget_are_warned_of(tmp_path: Path) -> None:
    for name, common in (("with", {"budget.seconds": 60.0}), ("without", {})):
        write_sweep(tmp_path / name, {"lr": [0.1, 0.2]}, 1, lambda cell, seed: 2000, common)
    told = dict(notes(read_sweep(tmp_path / "with"), how_tested()))
    assert "Training ended after at most 60 seconds" in told["Seconds"]
    assert "depends on the machine" in told["Seconds"]
    assert "50k environment steps or 60 seconds of training" in told["Budget"]
    told = dict(notes(read_sweep(tmp_path / "without"), how_tested()))
    assert "Seconds" not in told
    assert "seconds" not in told["Budget"]
