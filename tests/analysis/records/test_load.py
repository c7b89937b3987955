"""The two public tables: `load_runs` and `load_curves`."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

import pytest

import analysis
from analysis.errors import AnalysisError, SkippedWarning
from tests.analysis.synthetic import BUDGET, taken_from, write_sweep, write_trial

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


def test_where_a_trial_was_taken_from_is_a_column(buffers: Path) -> None:
    taken_from(buffers / "buffer=500,seed=1", "outputs/first")
    origins = analysis.load_runs(buffers).set_index("run")["origin"]
    assert origins["buffer=500,seed=1"] == "outputs/first/buffer=500,seed=1"
    assert origins.drop("buffer=500,seed=1").isna().all()


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


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"kind": "loss"}, "kind='loss'; allowed: episodes, evaluations, losses"),
        ({"kind": "losses", "grid": 0}, "grid=0; allowed: None, or"),
        ({"kind": "losses", "grid": 9, "clock": "step"}, "clock='step'; allowed: episode, env_step, update"),
    ],
)
def test_an_unknown_kind_grid_or_clock_is_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        analysis.load_curves(".", **asked)


def test_null_and_lists_are_groups_in_the_order_of_the_report(tmp_path: Path) -> None:
    """As text, 128 would come before 64-64, and pandas leaves null out of its groups."""
    axes = {"agent.max_grad_norm": [10, None], "network.hidden": [[128], [64, 64]]}
    write_sweep(tmp_path / "s", axes, 2, lambda cell, seed: 5000)
    for table in (analysis.load_runs(tmp_path / "s"), analysis.load_curves(tmp_path / "s", "episodes")):
        sizes = table.groupby("agent.max_grad_norm", observed=True)["run"].nunique()
        assert sizes.to_dict() == {"none": 4, 10: 4}
        assert list(table.groupby("network.hidden", observed=True).groups) == ["64-64", "128"]
        assert list(table.sort_values("network.hidden")["network.hidden"].unique()) == ["64-64", "128"]
        assert not table["agent.max_grad_norm"].isna().any()


def test_numbers_and_booleans_stay_what_they_are(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2], "agent.double": [True, False]}, 1, lambda cell, seed: 5000)
    runs = analysis.load_runs(tmp_path / "s")
    assert runs["lr"].dtype == float
    assert runs["agent.double"].dtype == bool


def test_on_a_grid_every_trial_counts_at_every_moment(tmp_path: Path) -> None:
    """One trial stops at 1 500 with a return of 200; the other never converges."""
    write_trial(tmp_path / "a", {"seed": 0}, 500)
    write_trial(tmp_path / "b", {"seed": 1})
    raw = analysis.load_curves(tmp_path, "evaluations")
    curves = analysis.load_curves(tmp_path, "evaluations", grid=50)
    assert list(curves.columns) == list(raw.columns)
    assert list(curves["env_step"]) == [500.0 + 1000 * place for place in range(50)] * 2
    ended = curves[(curves["run"] == "a") & (curves["env_step"] > 1000)]
    assert len(ended) == 49
    assert set(ended["mean_return"]) == {200.0}
    in_bin = raw[(raw["run"] == "b") & raw["env_step"].isin([30_500, 31_000])]
    assert curves["mean_return"][50 + 30] == pytest.approx(in_bin["mean_return"].mean())


def test_the_grid_may_count_episodes(buffers: Path) -> None:
    curves = analysis.load_curves(buffers, "episodes", grid=10, clock="episode")
    assert list(curves["episode"]) == [25.0 + 50 * place for place in range(10)] * 9
    assert curves["env_step"].max() > 40_000


def test_several_folders_are_one_table(tmp_path: Path) -> None:
    for name, lr in (("a", 0.1), ("b", 0.2)):
        write_sweep(tmp_path / name, {"lr": [lr]}, 2, lambda cell, seed: 5000)
    runs = analysis.load_runs([tmp_path / "a", tmp_path / "b", tmp_path / "b" / "lr=0.2,seed=1"])
    assert list(runs["run"]) == ["a/lr=0.1,seed=0", "a/lr=0.1,seed=1", "b/lr=0.2,seed=0", "b/lr=0.2,seed=1"]
    assert set(analysis.load_curves([tmp_path / "a", tmp_path / "b"], "losses")["lr"]) == {0.1, 0.2}


def test_no_folder_at_all_is_refused() -> None:
    with pytest.raises(AnalysisError, match="no folder was given"):
        analysis.load_runs([])


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


def test_columns_that_hold_nothing_in_some_trials_warn_of_nothing(tmp_path: Path) -> None:
    """pandas warns where it puts tables together of which one has an empty column."""
    write_trial(tmp_path / "a", {"agent.max_grad_norm": None}, 2000, measures=["angle"])
    write_trial(tmp_path / "b", {"agent.max_grad_norm": 10}, 2000)
    write_trial(tmp_path / "c", {"seed": 1}, status="failed", end=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        curves = analysis.load_curves(tmp_path, "episodes")
    assert curves.groupby("run")["angle"].count().to_dict() == {"a": 6, "b": 0}


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
