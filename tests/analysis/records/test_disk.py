"""Reading intact and damaged records from disk."""

from __future__ import annotations

import fcntl
import json
import math
from pathlib import Path

import pytest

from analysis.errors import AnalysisError
from analysis.records.disk import Skipped, find_trials, flatten, read_curve, read_trial, read_trials, slug
from dqn_exp.config import ConfigError
from tests.analysis.synthetic import SPACING, write_trial


def test_trials_are_found_at_any_depth_and_in_natural_order(tmp_path: Path) -> None:
    for name in ("study/trials/0010/seed=3", "study/trials/0009/seed=10", "study/trials/0009/seed=9", "b"):
        write_trial(tmp_path / name, time=2000)
    found = [str(path.relative_to(tmp_path)) for path in find_trials(tmp_path)]
    assert found == [
        "b", "study/trials/0009/seed=9", "study/trials/0009/seed=10", "study/trials/0010/seed=3",
    ]  # fmt: skip


@pytest.mark.parametrize("depth", ["", "sweeps/one"])
def test_what_no_look_has_asked_for_is_not_found(tmp_path: Path, depth: str) -> None:
    """Wherever its sweep lies; asked for by its own name it is."""
    for name in ("lr=1/seed=0", "lr=1/seed=1", "lr=2/seed=0", "lr=2/seed=1"):
        write_trial(tmp_path / depth / name, time=2000)
    (tmp_path / depth / "sweep.json").write_text(json.dumps({"ahead": ["lr=1/seed=1", "lr=2/seed=7"]}))
    found = [str(path.relative_to(tmp_path / depth)) for path in find_trials(tmp_path)]
    assert found == ["lr=1/seed=0", "lr=2/seed=0", "lr=2/seed=1"]
    ahead = tmp_path / depth / "lr=1" / "seed=1"
    assert find_trials(ahead) == [ahead]
    (tmp_path / depth / "sweep.json").write_text("{")
    assert len(find_trials(tmp_path)) == 4


def test_a_copy_under_way_is_no_trial(tmp_path: Path) -> None:
    """It is hidden until it is whole."""
    write_trial(tmp_path / ".seed=1.tmp", time=2000)
    write_trial(tmp_path / "seed=1", time=2000)
    assert find_trials(tmp_path) == [tmp_path / "seed=1"]


def test_a_trial_directory_is_its_own_only_trial(tmp_path: Path) -> None:
    trial = write_trial(tmp_path / "trial", time=2000)
    assert [found.run for found in read_trials(trial, [])] == ["."]


def test_nothing_to_read_is_an_error_that_names_the_path(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="nowhere is not a directory"):
        find_trials(tmp_path / "nowhere")
    with pytest.raises(AnalysisError, match="holds no trials"):
        read_trials(tmp_path, [])


def test_configuration_reads_by_dotted_names() -> None:
    nested = {"lr": 0.1, "network": {"hidden": [64, 64], "deep": {"x": None}}, "imports": [], "kwargs": {}}
    assert flatten(nested) == {
        "lr": 0.1, "network.hidden": "64-64", "network.deep.x": None, "imports": "none",
    }  # fmt: skip
    assert flatten({"env": {"wrappers": [{"name": "noise", "scale": 1}]}}) == {
        "env.wrappers": '{"name": "noise", "scale": 1}'
    }


def test_a_running_trial_needs_a_live_lock(tmp_path: Path) -> None:
    trial = write_trial(tmp_path / "trial", end=3000, status="running")
    assert read_trial(trial, tmp_path).status == "interrupted"
    with open(trial / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert read_trial(trial, tmp_path).status == "running"
    assert read_trial(trial, tmp_path).status == "interrupted"


def test_a_trial_without_a_result_is_interrupted_where_its_episodes_end(tmp_path: Path) -> None:
    trial = write_trial(tmp_path / "trial", end=3000)
    (trial / "result.json").unlink()
    read = read_trial(trial, tmp_path)
    assert (read.status, read.result["env_steps"], read.result["episodes"]) == ("interrupted", 3000, 30)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"config": 3}', "\x00"])
def test_unreadable_records_are_listed_not_dropped(tmp_path: Path, content: str) -> None:
    write_trial(tmp_path / "good", time=2000)
    bad = write_trial(tmp_path / "bad", time=2000)
    (bad / "trial.json").write_text(content)
    skipped: list[Skipped] = []
    assert [trial.run for trial in read_trials(tmp_path, skipped)] == ["good"]
    assert [entry.run for entry in skipped] == ["bad"]


def test_a_trial_of_a_newer_format_is_listed_with_the_reason(tmp_path: Path) -> None:
    write_trial(tmp_path / "known", time=2000)
    path = write_trial(tmp_path / "newer", time=2000) / "trial.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 99'))
    skipped: list[Skipped] = []
    assert [trial.run for trial in read_trials(tmp_path, skipped)] == ["known"]
    reason = (
        f"its records cannot be read: {path} was written by a newer version of dqn_exp: "
        f"it has format 99; allowed: formats 1, 2"
    )
    assert skipped == [Skipped("newer", reason)]
    with pytest.raises(ConfigError):
        read_trial(path.parent, tmp_path)


def test_an_evaluations_file_cut_at_every_byte_gives_its_whole_lines(tmp_path: Path) -> None:
    trial = read_trial(write_trial(tmp_path / "trial", time=SPACING * 2), tmp_path)
    file = trial.directory / "evaluations.csv"
    content = file.read_bytes()
    for size in range(len(content) + 1):
        file.write_bytes(content[:size])
        skipped: list[Skipped] = []
        curve = read_curve(trial, "evaluations", skipped)
        assert curve is not None
        whole = content[:size].count(b"\n") - 1
        assert len(curve.get("env_step", ())) == max(whole, 0)
        assert len(skipped) == (size > 0 and not content[:size].endswith(b"\n"))


def test_damage_in_the_middle_is_named(tmp_path: Path) -> None:
    trial = read_trial(write_trial(tmp_path / "trial", time=5000), tmp_path)
    file = trial.directory / "evaluations.csv"
    lines = file.read_bytes().split(b"\n")
    lines[3] = lines[3].replace(b"1500", b"1600")
    file.write_bytes(b"\n".join(lines))
    skipped: list[Skipped] = []
    assert read_curve(trial, "evaluations", skipped) is None
    assert skipped[0].run == "trial"
    assert "evaluations.csv: line 4 does not match its checksum" in skipped[0].reason


def test_measures_of_the_environment_and_truth_values_are_kept(tmp_path: Path) -> None:
    trial = read_trial(write_trial(tmp_path / "trial", time=5000, measures=["rms_angle"]), tmp_path)
    curve = read_curve(trial, "evaluations", [])
    assert curve is not None
    assert set(curve["rms_angle"]) == {0.5}


def test_infinite_values_survive(tmp_path: Path) -> None:
    trial = write_trial(tmp_path / "trial", time=5000)
    record = json.loads((trial / "trial.json").read_text())
    record["config"]["convergence"]["threshold"] = math.inf
    (trial / "trial.json").write_text(json.dumps(record))
    assert read_trial(trial, tmp_path).config["convergence.threshold"] == math.inf


def test_slug_is_safe_in_a_path() -> None:
    assert slug("../../etc/<x>") == ".._.._etc__x_"
