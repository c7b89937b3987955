"""One sweep in several folders is read as one; missing and repeated trials are reported."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from analysis import load_curves, load_runs
from analysis.errors import SkippedWarning
from analysis.records.sweep import read_sweep
from analysis.report.overview import overview
from tests.analysis.synthetic import write_trial

VALUES, SEEDS = (0.1, 0.2), (0, 1)
NAMES = [f"lr={value},seed={seed}" for value in VALUES for seed in SEEDS]
SHARD = dict(zip(NAMES, ("1/3", "2/3", "3/3", "1/3"), strict=True))


def write_shard(root: Path, names: Sequence[str], fingerprint: str = "same", **status: str) -> Path:
    """The folder of a machine on which the trials called `names` were trained."""
    for name in names:
        value, seed = (float(text.partition("=")[2]) for text in name.split(","))
        write_trial(root / name, {"lr": value, "seed": int(seed)}, 2000 + 1000 * value, **status)
    plan = [
        {"name": name, "seed": 0, "hash": "", "overrides": name.split(","), "shard": SHARD[name]}
        for name in NAMES
    ]
    content = {"format": 1, "command": "python", "started": "", "fingerprint": fingerprint, "trials": plan}
    (root / "sweep.json").write_text(json.dumps(content))
    return root


def warned(caught: pytest.WarningsRecorder) -> list[str]:
    return [str(warning.message) for warning in caught if issubclass(warning.category, SkippedWarning)]


def test_shards_make_one_sweep(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    write_shard(tmp_path / "a", NAMES[:2])
    write_shard(tmp_path / "b", NAMES[2:])
    sweep = read_sweep(tmp_path)
    assert [row["run"] for row in sweep.counted] == [f"{'aabb'[n]}/{name}" for n, name in enumerate(NAMES)]
    assert (sweep.missing, sweep.shards, len(sweep.plans)) == ([], [], 2)
    assert list(load_runs([tmp_path / "b", tmp_path / "a"])["seed"]) == [0, 1, 0, 1]
    assert warned(recwarn) == []


def test_shards_of_one_sweep_are_one_side_of_a_comparison(tmp_path: Path) -> None:
    first, second = write_shard(tmp_path / "a", NAMES[:2]), write_shard(tmp_path / "b", NAMES[2:])
    other = write_shard(tmp_path / "c", NAMES[:1], fingerprint="another")
    together = read_sweep([first, second, other]).by_path()
    assert {name: len(side.rows) for name, side in together.items()} == {"a": 4, "c": 1}
    assert list(read_sweep([first, second]).by_path()) == ["a"]
    assert list(read_sweep(tmp_path).by_path()) == [tmp_path.name]


def test_what_is_missing_of_shards_is_named(tmp_path: Path) -> None:
    write_shard(tmp_path / "a", [NAMES[0]])
    write_shard(tmp_path / "b", [NAMES[2]], status="interrupted")
    told = ["shard 1/3: 1 of its 2 trials is not over", "shard 2/3: none of its trials is here (1 planned)"]
    told += ["shard 3/3: 1 of its 1 trials is not over"]
    with pytest.warns(SkippedWarning) as caught:
        runs = load_runs(tmp_path)
    assert [str(warning.message) for warning in caught] == told
    assert [entry["status"] for entry in runs.attrs["skipped"]] == ["missing"] * 3
    sweep = read_sweep(tmp_path)
    assert sweep.missing == []
    assert list(overview(sweep))[-3:] == [f"S{text[1:]}." for text in told]


def test_one_folder_of_several_shards_tells_of_the_others(tmp_path: Path) -> None:
    write_shard(tmp_path, [NAMES[0], NAMES[3]])
    told = [f"shard {shard}: none of its trials is here (1 planned)" for shard in ("2/3", "3/3")]
    with pytest.warns(SkippedWarning) as caught:
        load_curves(tmp_path, "episodes")
    assert [str(warning.message) for warning in caught] == told


def test_a_trial_that_is_there_twice_is_read_once(tmp_path: Path) -> None:
    """The one that has come to its end, and of two that are equal the first."""
    write_shard(tmp_path / "a", NAMES[:2])
    write_shard(tmp_path / "b", NAMES[1:])
    cut = tmp_path / "a" / NAMES[0] / "result.json"
    cut.write_text(cut.read_text().replace("converged", "interrupted"))
    write_shard(tmp_path / "c", [NAMES[0]])
    with pytest.warns(SkippedWarning) as caught:
        runs = load_runs(tmp_path)
    assert sorted(runs["run"]) == [f"a/{NAMES[1]}", f"b/{NAMES[2]}", f"b/{NAMES[3]}", f"c/{NAMES[0]}"]
    assert [str(warning.message) for warning in caught] == [
        f"a: 1 trial is also in c, and not finished here; the copy in c is used: {NAMES[0]}",
        f"b: 1 trial is also in a, identical byte for byte; the copy in a is used: {NAMES[1]}",
    ]
    assert read_sweep(tmp_path).shards == []


def test_other_results_of_the_same_trial_are_named_with_what_may_be_why(tmp_path: Path) -> None:
    """The first counts, whatever it is."""
    write_shard(tmp_path / "a", NAMES)
    write_shard(tmp_path / "b", NAMES)
    for name in NAMES:
        path = tmp_path / "b" / name / "trial.json"
        path.write_text(path.read_text().replace('"cpu": "cpu"', '"cpu": "another"'))
        (tmp_path / "b" / name / "evaluations.csv").write_bytes(b"")
    sweep = read_sweep(tmp_path)
    assert [row["run"] for row in sweep.counted] == [f"a/{name}" for name in NAMES]
    (entry,) = sweep.shards
    assert entry.reason == (
        f"4 trials are also in a, with a different result (other processor); the copies in a are used: "
        f"{', '.join(NAMES[:3])} and 1 more"
    )
    assert f"B: {entry.reason}." in list(overview(sweep))


def test_a_record_of_a_newer_format_shows_nothing_of_its_program(tmp_path: Path) -> None:
    write_shard(tmp_path / "a", NAMES)
    write_shard(tmp_path / "b", NAMES[:1])
    path = tmp_path / "b" / NAMES[0] / "trial.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 99'))
    (tmp_path / "b" / NAMES[0] / "evaluations.csv").write_bytes(b"")
    (entry,) = read_sweep(tmp_path).shards
    assert "with a different result (other processor, packages, learner)" in entry.reason


def test_other_sweeps_beside_them_are_left_alone(tmp_path: Path) -> None:
    write_shard(tmp_path / "a", NAMES)
    write_shard(tmp_path / "b", NAMES, fingerprint="another")
    assert len(load_runs(tmp_path)) == 8
    assert len(read_sweep(tmp_path).left_out) == 4


def test_a_trial_that_failed_before_its_record_is_listed(tmp_path: Path) -> None:
    root = write_shard(tmp_path / "a", NAMES[:3])
    (root / NAMES[3]).mkdir()
    result: dict[str, Any] = {"status": "failed", "cause": "no memory"}
    (root / NAMES[3] / "result.json").write_text(json.dumps(result))
    sweep = read_sweep(tmp_path)
    assert [(entry.run, entry.reason) for entry in sweep.missing] == [
        (f"a/{NAMES[3]}", "failed before training: no memory")
    ]
