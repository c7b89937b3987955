"""What analysis does about a `sweep.json` that it cannot read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.errors import AnalysisError
from analysis.records.disk import find_trials, read_trials
from analysis.records.load import load_curves, load_runs
from analysis.records.manifest import manifest_if_whole, manifest_of
from analysis.records.pairs import read_pairs
from analysis.records.plan import read_plan
from analysis.records.shards import find_groups
from analysis.records.sweep import read_sweep
from tests.analysis.synthetic import write_trial

READERS: dict[str, Callable[[Path], object]] = {
    "manifest_of": manifest_of,
    "manifest_if_whole": manifest_if_whole,
    "find_trials": find_trials,
    "read_pairs": read_pairs,
    "read_plan": lambda sweep: read_plan(sweep, []),
    "find_groups": lambda sweep: find_groups([sweep / "a"], [sweep]),
    "read_trials": lambda sweep: read_trials(sweep, []),
    "read_sweep": read_sweep,
    "load_runs": load_runs,
    "load_curves": lambda sweep: load_curves(sweep, "episodes"),
}


@pytest.mark.parametrize("reader", READERS)
def test_an_unknown_format_ends_every_reading(reader: str, tmp_path: Path) -> None:
    write_trial(tmp_path / "a", time=2000)
    plan = {"trials": [{"name": "a", "overrides": [], "shard": "1/1"}], "zip": [], "ahead": []}
    (tmp_path / "sweep.json").write_text(json.dumps({"format": 1, **plan}))
    READERS[reader](tmp_path)
    (tmp_path / "sweep.json").write_text(json.dumps({"format": 99, **plan}))
    message = r"sweep.json was written by a newer version of dqn_exp: it has format 99; allowed: format 1$"
    with pytest.raises(AnalysisError, match=message):
        READERS[reader](tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_damage_is_left_to_the_reader_of_the_plan(content: str, tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text(content)
    assert manifest_if_whole(tmp_path) == {}
    with pytest.raises(ValueError, match=r"sweep.json is damaged"):
        manifest_of(tmp_path)
