"""The two public tables."""

from __future__ import annotations

import time
import warnings
from pathlib import Path

import pytest

import analysis
from analysis.errors import SkippedWarning
from tests.analysis.synthetic import BUDGET, write_sweep, write_trial

CONTRACT = [
    "run", "seed", "status", "converged", "episodes_to_threshold", "steps_to_threshold", "final_return",
    "best_return", "env_steps", "episodes", "updates", "wall_seconds", "env_steps_per_second",
]  # fmt: skip


def test_runs_are_one_row_per_trial_with_results_and_configuration(buffers: Path) -> None:
    runs = analysis.load_runs(buffers)
    assert list(runs.columns[: len(CONTRACT)]) == CONTRACT
    assert len(runs) == 9
    assert runs.attrs["skipped"] == []
    by_run = runs.set_index("run")
    assert by_run.loc["buffer=17000,seed=1", "steps_to_threshold"] == 7500
    assert by_run.loc["buffer=17000,seed=1", "episodes_to_threshold"] == 75
    assert by_run.loc["buffer=500,seed=1", "steps_to_threshold"] == BUDGET
    assert runs["converged"].dtype == bool
    assert runs["converged"].sum() == 6
    assert sorted(set(runs["buffer"])) == [500, 17_000, 100_000]
    assert runs["buffer"].dtype.kind == "i"
    assert set(runs["network.hidden"]) == {"128"}
    assert set(runs["env.id"]) == {"CartPole-v1"}
    assert (runs["best_return"] >= runs["final_return"]).all()


def test_a_single_trial_is_a_table_of_one(buffers: Path) -> None:
    runs = analysis.load_runs(buffers / "buffer=500,seed=2")
    assert list(runs["run"]) == ["."]
    assert list(runs["seed"]) == [2]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("episodes", ["return", "length", "epsilon"]),
        ("evaluations", ["mean_return", "std_return", "n_episodes"]),
        ("losses", ["loss", "grad_norm", "q_mean", "q_max"]),
    ],
)
def test_curves_are_tidy(buffers: Path, kind: str, values: list[str]) -> None:
    curves = analysis.load_curves(buffers, kind)
    assert list(curves.columns) == ["run", "seed", "buffer", "episode", "env_step", "update", *values]
    assert curves["run"].nunique() == 9
    assert curves["env_step"].dtype.kind == "i"


def test_measures_are_columns_of_curves(tmp_path: Path) -> None:
    write_trial(tmp_path / "a", time=5000, measures=["rms_angle"])
    assert "rms_angle" in analysis.load_curves(tmp_path, "episodes")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="kind='loss'; allowed: episodes, evaluations, losses"):
        analysis.load_curves(".", "loss")


def test_what_is_skipped_is_warned_of_and_kept(buffers: Path) -> None:
    (buffers / "buffer=500,seed=0" / "trial.json").write_text("{")
    file = buffers / "buffer=500,seed=1" / "evaluations.csv"
    file.write_bytes(file.read_bytes()[:-3])
    damaged = buffers / "buffer=500,seed=2" / "evaluations.csv"
    damaged.write_bytes(damaged.read_bytes().replace(b"\n5,500", b"\n5,600", 1))
    with pytest.warns(SkippedWarning) as caught:
        runs = analysis.load_runs(buffers)
    reasons = {entry["run"]: entry["reason"] for entry in runs.attrs["skipped"]}
    assert len(caught) == len(reasons) == 3
    assert "records cannot be read" in reasons["buffer=500,seed=0"]
    assert "cut off" in reasons["buffer=500,seed=1"]
    assert "does not match its checksum" in reasons["buffer=500,seed=2"]
    row = runs.set_index("run").loc["buffer=500,seed=2"]
    assert row["problem"] == "damaged evaluations"
    assert row["steps_to_threshold"] != row["steps_to_threshold"]


def test_whole_sweeps_warn_of_nothing(buffers: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        analysis.load_runs(buffers)
        analysis.load_curves(buffers, "losses")


def test_a_trial_without_metrics_is_a_row(tmp_path: Path) -> None:
    trial = write_trial(tmp_path / "a", status="failed", end=0)
    for file in trial.glob("*.csv"):
        file.unlink()
    runs = analysis.load_runs(tmp_path)
    assert list(runs["status"]) == ["failed"]
    assert analysis.load_curves(tmp_path, "losses").empty


def test_five_hundred_trials_load_in_seconds(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s", {"lr": [i / 1000 for i in range(1, 51)]}, 10, lambda cell, seed: 5000)
    start = time.perf_counter()
    assert len(analysis.load_runs(tmp_path / "s")) == 500
    assert time.perf_counter() - start < 10
