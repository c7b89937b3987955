"""How a report was made, and where its trials come from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.records import read_sweep
from analysis.report.methods import provenance
from tests.analysis.synthetic import write_trial

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


def test_where_nothing_differs_nothing_is_said_of_it(buffers: Path) -> None:
    told = dict(provenance(read_sweep(buffers)))
    assert told["Source"] == "commit abc1234"
    assert "Continued with another program" not in told
