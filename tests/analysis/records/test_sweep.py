"""A sweep: which trials count as evidence, and its missing trials."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.estimates.samples import configurations
from analysis.records.sweep import read_sweep
from tests.analysis.synthetic import write_sweep, write_trial


def test_only_outcomes_of_whole_trials_count(tmp_path: Path) -> None:
    statuses = ["converged", "exhausted", "diverged", "pruned", "failed", "interrupted", "running"]
    for seed, status in enumerate(statuses):
        time = 2000 if status == "converged" else math.inf
        write_trial(tmp_path / status, {"seed": seed}, time, status=status, end=4000, cause=f"why {status}")
    sweep = read_sweep(tmp_path)
    assert {row["run"] for row in sweep.counted} == {"converged", "exhausted", "diverged"}
    left = {entry.run: (entry.status, entry.reason) for entry in sweep.left_out}
    assert left["pruned"] == ("pruned", "why pruned")
    assert left["running"][0] == "interrupted"
    assert len(sweep.rows) == len(statuses)


def test_a_damaged_trial_is_listed_and_not_counted(buffers: Path) -> None:
    file = buffers / "buffer=500,seed=0" / "evaluations.csv"
    file.write_bytes(file.read_bytes().replace(b"\n5,500", b"\n5,600", 1))
    sweep = read_sweep(buffers)
    assert len(sweep.rows) == 9
    assert [entry.run for entry in sweep.left_out] == ["buffer=500,seed=0"]
    assert "line 2 does not match" in sweep.skipped[0].reason


def test_a_converged_trial_whose_evaluations_were_lost_is_a_problem(buffers: Path) -> None:
    (buffers / "buffer=17000,seed=0" / "evaluations.csv").unlink()
    (left,) = read_sweep(buffers).left_out
    assert left.run == "buffer=17000,seed=0"
    assert "do not show it" in left.reason


def test_the_same_configuration_and_seed_counts_once(tmp_path: Path) -> None:
    write_trial(tmp_path / "a", {"seed": 1}, 2000)
    write_trial(tmp_path / "b", {"seed": 1}, 2000)
    (left,) = read_sweep(tmp_path).left_out
    assert (left.run, left.reason) == ("b", "the same configuration and seed as a")


def test_planned_trials_without_a_record_are_missing(buffers: Path) -> None:
    plan = json.loads((buffers / "sweep.json").read_text())
    plan["trials"] += [{"name": "buffer=9,seed=0"}, {"name": "buffer=9,seed=1"}]
    (buffers / "sweep.json").write_text(json.dumps(plan))
    (buffers / "buffer=9,seed=1").mkdir()
    (buffers / "buffer=9,seed=1" / "result.json").write_text('{"status": "failed", "cause": "no memory"}')
    missing = read_sweep(buffers).missing
    assert [entry.run for entry in missing] == ["buffer=9,seed=0", "buffer=9,seed=1"]
    assert "never started" in missing[0].reason
    assert "no memory" in missing[1].reason


def test_a_broken_plan_is_listed_and_does_no_harm(buffers: Path) -> None:
    (buffers / "sweep.json").write_text("{")
    sweep = read_sweep(buffers)
    assert len(sweep.counted) == 9
    assert sweep.skipped[0].run == "sweep.json"


def test_the_reference_is_the_default_or_else_the_first_value(buffers: Path) -> None:
    sweep = read_sweep(buffers)
    assert sweep.reference(sweep.axes[0]) == (0, "the first value")
    plan = json.loads((buffers / "sweep.json").read_text())
    (buffers / "sweep.json").write_text(json.dumps({**plan, "defaults": {"buffer": 17_000}}))
    sweep = read_sweep(buffers)
    assert sweep.reference(sweep.axes[0]) == (1, "the default")
    (buffers / "sweep.json").write_text(json.dumps({**plan, "defaults": {"buffer": 16_384}}))
    sweep = read_sweep(buffers)
    assert sweep.reference(sweep.axes[0]) == (1, "the value nearest to the default, 16Ki")


def test_the_reference_is_a_value_that_can_be_compared(tmp_path: Path) -> None:
    """The default of one axis was tried only while the other axis was varied."""
    write_sweep(tmp_path / "one", {"buffer": [500, 17_000], "batch": [64]}, 2, lambda cell, seed: 5000)
    write_sweep(tmp_path / "two", {"buffer": [20_000], "batch": [32, 128]}, 2, lambda cell, seed: 5000)
    for name in ("one", "two"):
        plan = json.loads((tmp_path / name / "sweep.json").read_text())
        plan["defaults"] = {"buffer": 20_000, "batch": 64}
        (tmp_path / name / "sweep.json").write_text(json.dumps(plan))
    sweep = read_sweep([tmp_path / "one", tmp_path / "two"])
    chosen = {axis.name: (axis.values, sweep.reference(axis)) for axis in sweep.axes}
    assert chosen == {
        "buffer": ((500, 17_000, 20_000), (1, "the value nearest to the default, 20k")),
        "batch": ((32, 64, 128), (0, "the value nearest to the default, 64")),
    }


def test_only_unreadable_trials_are_an_error(tmp_path: Path) -> None:
    (write_trial(tmp_path / "a") / "trial.json").write_text("{")
    with pytest.raises(AnalysisError, match="none of its trials can be read"):
        read_sweep(tmp_path)


def test_none_can_be_the_default(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s", {"agent.max_grad_norm": [10.0, None]}, 1, lambda cell, seed: 5000)
    plan = json.loads((tmp_path / "s" / "sweep.json").read_text())
    plan["defaults"] = {"agent": {"max_grad_norm": None}}
    (tmp_path / "s" / "sweep.json").write_text(json.dumps(plan))
    sweep = read_sweep(tmp_path / "s")
    assert sweep.reference(sweep.axes[0]) == (0, "the default")


def test_several_sweeps_are_one_with_the_plans_of_each(tmp_path: Path) -> None:
    for name, lr, default in (("a", 0.1, 0.2), ("b", 0.2, 0.2), ("c", 0.3, 0.1)):
        write_sweep(tmp_path / name, {"lr": [lr]}, 2, lambda cell, seed: 5000)
        plan = json.loads((tmp_path / name / "sweep.json").read_text())
        plan["trials"].append({"name": "lost"})
        (tmp_path / name / "sweep.json").write_text(json.dumps({**plan, "defaults": {"lr": default}}))
    sweep = read_sweep([tmp_path / "a", tmp_path / "b"])
    (axis,) = sweep.axes
    assert axis.values == (0.1, 0.2)
    assert [entry.run for entry in sweep.missing] == ["a/lost", "b/lost"]
    assert sweep.reference(axis) == (1, "the default")
    three = read_sweep([tmp_path / name for name in "abc"])
    assert three.reference(three.axes[0]) == (0, "the first value")


def test_where_no_trial_had_the_evaluations_convergence_takes_it_cannot_be_judged(tmp_path: Path) -> None:
    """The budget counts episodes and evaluations steps, so that the records alone tell."""
    config = {"budget.env_steps": None, "budget.episodes": 100}
    write_trial(tmp_path / "a", {**config, "seed": 0}, end=1000)
    write_trial(tmp_path / "b", {**config, "seed": 1}, end=999)
    sweep = read_sweep(tmp_path)
    assert not sweep.judged
    assert sweep.obstacle == "convergence needs 3 consecutive evaluations; no trial had more than 2"
    write_trial(tmp_path / "c", {**config, "seed": 2}, end=1500)
    assert read_sweep(tmp_path).judged


def test_a_diverged_trial_is_judged_without_evaluations(tmp_path: Path) -> None:
    write_trial(tmp_path / "a", status="diverged", end=40)
    assert read_sweep(tmp_path).judged


def test_a_value_whose_trials_failed_before_training_stays(tmp_path: Path) -> None:
    """No record of them tells their configuration; the plan does."""
    sweep = write_sweep(tmp_path / "s", {"buffer": [500]}, 2, lambda cell, seed: 5000)
    plan = json.loads((sweep / "sweep.json").read_text())
    for entry in plan["trials"]:
        entry["overrides"] = ["env=cartpole", "buffer=500", f"seed={entry['seed']}"]
    plan["trials"].append({"name": "x", "overrides": ["env=cartpole", "buffer=17k", "seed=0"]})
    plan["trials"].append({"name": "later", "overrides": ["env=cartpole", "buffer=20k", "seed=0"]})
    (sweep / "sweep.json").write_text(json.dumps(plan))
    (sweep / "x").mkdir()
    (sweep / "x" / "result.json").write_text('{"status": "failed", "cause": "no memory"}')
    read = read_sweep(sweep)
    (axis,) = read.axes
    assert (axis.name, axis.values) == ("buffer", (500, 17_000))
    np.testing.assert_array_equal(axis.codes(read.rows), [0, 0])
    assert [(values, len(rows)) for values, rows in configurations(read)] == [
        ({"buffer": 500}, 2), ({"buffer": 17_000}, 0),
    ]  # fmt: skip


def test_an_obstacle_of_some_trials_says_of_how_many(tmp_path: Path) -> None:
    """Sweeps with other budgets, read together: what a few cannot show is not said of all."""
    write_sweep(tmp_path / "long", {"lr": [0.1, 0.2]}, 2, lambda cell, seed: 2000)
    brief = {"budget.env_steps": 1000, "evaluation.every_steps": 500, "convergence.consecutive": 3}
    write_sweep(tmp_path / "brief", {"lr": [0.3]}, 2, lambda cell, seed: 2000, brief)
    told = "convergence needs 3 consecutive evaluations; the budget allows 2"
    assert read_sweep(tmp_path / "brief").obstacle == told
    assert read_sweep([tmp_path / "long", tmp_path / "brief"]).obstacle == f"{told} (in 2 of 6 trials)"
