"""Real logs of other programs are imported as sweeps that all commands can read."""

from __future__ import annotations

import shutil
import sqlite3
from collections import OrderedDict
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml  # type: ignore[import-untyped]

from analysis import load_curves, load_runs
from analysis.__main__ import main
from analysis.estimates.samples import seeds
from analysis.imports.names import folder_name, parse_run_name
from analysis.records import find_axes, read_sweep
from analysis.report import seen, write_report
from tests.analysis.synthetic import write_sweep
from tests.trackers.trial import follow_in_two_attempts

LOGS = Path(__file__).parent / "logs"
RUN = "lr=0.001,seed=0"


def imported(path: Path, to: Path, *options: str) -> pd.DataFrame:
    assert main(["import", str(path), "--to", str(to), *options]) == 0
    return load_runs(to)


def refused(capsys: pytest.CaptureFixture[str], path: Path, *options: str) -> str:
    """The one message with which an import ends that leaves nothing behind."""
    to = path.parent / "refused"
    assert main(["import", str(path), "--to", str(to), *options]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "allowed" in error
    assert not to.exists()
    assert not list(path.parent.glob(".refused*"))
    return error


def landscape(folder: Path, values: tuple[float, ...] = (0.1, 0.01), seeds: int = 6) -> Path:
    """A file with the columns of a published landscape: the second value learns, the first does not."""
    rows = [
        {
            "run_id": run, "budget": 1000 * step, "performance": 100.0 + 90 * step * run + seed,
            "hp_config.learning_rate": lr, "hp_config.buffer_size": 5000,
            "hp_config.use_target_network": True, "hp_config.buffer_alpha": np.nan, "seed": seed,
        }
        for run, lr in enumerate(values) for seed in range(seeds) for step in (3, 1, 2, 4, 5)
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "landscape.csv.xz", index=False)
    return folder / "landscape.csv.xz"


def test_a_run_of_stable_baselines3(tmp_path: Path) -> None:
    row = imported(LOGS / "sb3", tmp_path / "sweep").iloc[0]
    known = {
        "run": RUN, "seed": 0, "lr": 0.001, "buffer": 5000, "batch": 32, "update_every": 100, "gamma": 0.99,
        "env.id": "CartPole-v1", "budget.env_steps": 4000, "convergence.threshold": 475,
        "program": "stable-baselines3", "status": "exhausted", "env_steps": 4000,
    }  # fmt: skip
    assert {name: row[name] for name in known} == known
    assert np.isnan([row["updates"], row["wall_seconds"]]).all()
    with np.load(LOGS / "sb3" / RUN / "evaluations.npz") as written:
        steps, returns = written["timesteps"], written["results"]
    evaluations = load_curves(tmp_path / "sweep", "evaluations")
    assert list(evaluations["env_step"]) == list(steps)
    assert evaluations["mean_return"].to_numpy() == pytest.approx(returns.mean(axis=1))
    assert evaluations["update"].isna().all()
    monitor = pd.read_csv(LOGS / "sb3" / RUN / "monitor.csv", skiprows=1)
    episodes = load_curves(tmp_path / "sweep", "episodes")
    assert list(episodes["return"]) == list(monitor["r"])
    assert list(episodes["env_step"]) == list(monitor["l"].cumsum())
    ended = [int((monitor["l"].cumsum() <= step).sum()) for step in steps]
    assert list(evaluations["episode"]) == ended
    assert row["final_return"] == returns[-1].mean()  # the last evaluation lies at the end of the training


def test_environments_side_by_side_make_their_steps_together(tmp_path: Path) -> None:
    for number, lines in enumerate(["10,10,1.0\n20,20,3.0", "14,14,1.5"]):
        header = '#{"t_start": 100.0, "env_id": "CartPole-v1"}\nr,l,t\n'
        (tmp_path / f"{number}.monitor.csv").write_text(f"{header}{lines}\n5,")  # the last line is cut off
    imported(tmp_path, tmp_path / "sweep")
    episodes = load_curves(tmp_path / "sweep", "episodes")
    assert list(episodes["return"]) == [10, 14, 20]
    assert list(episodes["env_step"]) == [20, 28, 60]


def test_rl_zoo_tells_its_settings(tmp_path: Path) -> None:
    run = tmp_path / "dqn" / "CartPole-v1_1"
    shutil.copytree(LOGS / "sb3" / RUN, run)
    (run / "model.zip").unlink()
    (run / "CartPole-v1").mkdir()
    for name, values in {
        "config.yml": OrderedDict(batch_size=64, learning_rate=0.0023, n_timesteps=50000.0, train_freq=256),
        "args.yml": OrderedDict(algo="dqn", env="CartPole-v1", seed=7, verbose=1),
    }.items():
        (run / "CartPole-v1" / name).write_text(yaml.dump(values))  # as RL Zoo does
    row = imported(tmp_path, tmp_path / "sweep").iloc[0]
    known = {
        "batch": 64,
        "lr": 0.0023,
        "budget.env_steps": 50000,
        "train_every": 256,
        "algo": "dqn",
        "seed": 7,
    }
    assert {name: row[name] for name in known} == known
    assert "verbose" not in row
    assert row["run"] == "dqn/CartPole-v1_1"


def test_settings_that_would_make_objects_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "logs" / "run"
    shutil.copytree(LOGS / "sb3" / RUN, run)
    (run / "env").mkdir()
    (run / "env" / "config.yml").write_text("a: !!python/object/apply:os.system ['true']\n")
    assert "config.yml" in refused(capsys, tmp_path / "logs")


def test_cleanrl_is_judged_by_training_episodes(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    row = imported(LOGS / "cleanrl", tmp_path / "sweep", "--threshold", "34.5").iloc[0]
    known = {
        "seed": 1, "lr": 0.00025, "buffer": 10000, "batch": 128, "budget.env_steps": 2000,
        "env.id": "CartPole-v1", "program": "CleanRL", "convergence.judged_by": "training episodes",
        "status": "converged",
    }  # fmt: skip
    assert {name: row[name] for name in known} == known
    assert not row.index.intersection(["track", "cuda", "wandb_project_name"]).any()
    assert np.isnan(row["final_return"])
    assert np.isnan(row["best_return"])
    episodes = load_curves(tmp_path / "sweep", "episodes")
    blocks = episodes["return"].to_numpy()[: len(episodes) // 10 * 10].reshape(-1, 10).mean(axis=1)
    first = next(n for n in range(len(blocks)) if (blocks[n : n + 3] >= 34.5).all())
    assert row["steps_to_threshold"] == episodes["env_step"][10 * first + 9]
    assert row["episodes_to_threshold"] == 10 * first + 10
    assert not len(load_curves(tmp_path / "sweep", "evaluations"))
    page = write_report(tmp_path / "sweep").read_text()
    assert "blocks of 10 training episodes" in page
    assert "final_return_configuration" not in page


def test_tianshou_tells_no_environment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorboard")
    row = imported(LOGS / "tianshou", tmp_path / "sweep", "--threshold", "150").iloc[0]
    assert "--env" in capsys.readouterr().out
    assert (row["seed"], row["program"], row["steps_to_threshold"]) == (5, "Tianshou", 1500)
    assert np.isnan(row["episodes"])
    assert np.isnan(load_curves(tmp_path / "sweep", "episodes")["episode"]).all()
    assert "an unknown environment" in write_report(tmp_path / "sweep").read_text()


def test_mlflow_runs(tmp_path: Path) -> None:
    row = imported(LOGS / "mlruns", tmp_path / "sweep", "--consecutive", "1").iloc[0]
    assert (row["seed"], row["lr"], row["final_return"], row["env_steps"]) == (4, 0.001, 500, 5000)
    assert (row["converged"], row["steps_to_threshold"]) == (True, 5000)


def mlflow_database(file: Path) -> None:
    """Three runs in the tables that MLflow 3 makes: one failed, one finished, one deleted."""
    with closing(sqlite3.connect(file)) as database, database:
        database.executescript(
            "CREATE TABLE runs (run_uuid TEXT, name TEXT, status TEXT, start_time INT, lifecycle_stage TEXT);"
            "CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);"
            "CREATE TABLE metrics (key TEXT, value REAL, timestamp INT, run_uuid TEXT, step INT, is_nan INT);"
        )
        runs = [("a1", "one", "FAILED", 1), ("b2", "two", "FINISHED", 2), ("c3", "three", "FINISHED", 3)]
        for identity, name, status, start in runs:
            stage = "deleted" if name == "three" else "active"
            database.execute("INSERT INTO runs VALUES (?,?,?,?,?)", (identity, name, status, start, stage))
            for key, value in (("learning_rate", "0.001"), ("seed", str(start)), ("env_id", "CartPole-v1")):
                database.execute("INSERT INTO params VALUES (?,?,?)", (key, value, identity))
            for step, value in ((2000, 500.0), (1000, 40.0)):
                row = ("eval/mean_reward", value, step, identity, step, 0)
                database.execute("INSERT INTO metrics VALUES (?,?,?,?,?,?)", row)


def test_runs_in_a_database_of_mlflow(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    mlflow_database(tmp_path / "logs" / "mlflow.db")
    (tmp_path / "logs" / "other.db").write_bytes(b"not a database")
    rows = imported(tmp_path / "logs", tmp_path / "sweep").sort_values("seed")
    assert rows["seed"].tolist() == [1, 2]
    assert rows["status"].tolist() == ["failed", "exhausted"]
    assert (rows["lr"] == 0.001).all()
    evaluations = load_curves(tmp_path / "sweep", "evaluations")
    assert evaluations.groupby("seed")["mean_return"].apply(list).to_dict() == {1: [40, 500], 2: [40, 500]}


@pytest.mark.parametrize("kind", ["history", "panel"])
def test_exports_of_wandb(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    name, metric = "CartPole-v1__dqn__3__1670000000", "charts/episodic_return"
    exports = tmp_path / "exports"
    exports.mkdir()
    if kind == "history":
        text = f"_step,global_step,{metric},losses/td_loss\n0,20,20.0,\n1,20,,0.5\n2,60,40.0,\n"
        (exports / f"{name}.csv").write_text(text)
    else:
        columns = [f"{name} - {metric}{end}" for end in ("", "__MIN", "__MAX")]
        (exports / "panel.csv").write_text(",".join(["Step", *columns]) + "\n20,20.0,19,21\n60,40.0,39,41\n")
        assert "--columns env_step=NAME" in refused(capsys, exports)
    (exports / "runs.csv").write_text(
        f"Name,State,User,learning_rate,{metric}\n{name},crashed,me,0.01,40.0\n"
    )
    options = [] if kind == "history" else ["--columns", "env_step=Step"]
    row = imported(exports, tmp_path / "sweep", *options).iloc[0]
    assert (row["seed"], row["lr"], row["program"], row["env_steps"]) == (3, 0.01, "CleanRL", 60)
    assert (row["status"], row["cause"]) == ("interrupted", "W&B calls this run crashed")
    assert list(load_curves(tmp_path / "sweep", "episodes")["return"]) == [20, 40]


def test_what_our_tracker_sent_to_tensorboard_is_read_back(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    trial = tmp_path / "ours" / "buffer=17k,seed=3"
    follow_in_two_attempts(trial, {"tensorboard": {"folder": str(tmp_path / "board")}})
    trained = load_runs(trial).iloc[0]
    row = imported(tmp_path / "board", tmp_path / "sweep").iloc[0]
    for name in ("seed", "lr", "buffer", "env.id", "converged", "steps_to_threshold"):
        assert row[name] == trained[name], name
    assert row["final_return"] == pytest.approx(trained["final_return"])
    assert row["program"] == "dqn_exp"
    columns = ["env_step", "mean_return", "std_return"]
    evaluations = load_curves(trial, "evaluations")[columns]
    assert len(evaluations)
    read = load_curves(tmp_path / "sweep", "evaluations")[columns]
    pd.testing.assert_frame_equal(read, evaluations, check_dtype=False, rtol=1e-6)


def test_what_our_tracker_sent_to_wandb_is_read_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `run.history().to_csv` and the table of runs on the page of W&B write it."""
    exports = tmp_path / "exports"
    exports.mkdir()
    steps = ",_step,_runtime,charts/episodic_return,eval/mean_reward,eval/std_reward\n"
    for name in ("buffer=500_seed=3", "a1b2"):
        (exports / f"{name}.csv").write_text(f"{steps}0,20,1.5,20.0,,\n1,60,2.5,,40.0,3.0\n")
    table = (
        "Name,State,ID,Tags,_step,buffer,seed,configuration,status\n"
        "buffer=500/seed=3,finished,c3d4,s,60,500,3,buffer=500,exhausted\n"
        "buffer=17k/seed=3,finished,a1b2,s,60,17000,3,buffer=17k,exhausted\n"
    )
    (exports / "wandb_export.csv").write_text(table)
    runs = imported(exports, tmp_path / "sweep").sort_values("buffer")
    assert runs["buffer"].tolist() == [500, 17000]
    assert runs["seed"].tolist() == [3, 3]
    assert runs["env_steps"].tolist() == [60, 60]
    assert set(runs["program"]) == {"dqn_exp"}
    assert [axis.name for axis in find_axes(read_sweep(tmp_path / "sweep").counted)] == ["buffer"]
    (exports / "wandb_export.csv").write_text(table.replace("buffer=17k/seed=3", "buffer=500/seed=3"))
    assert "two runs have the name buffer=500/seed=3" in refused(capsys, exports)


@pytest.mark.parametrize(
    ("name", "values", "seed"),
    [
        ("buffer=17k_seed=3", {"buffer": "17k"}, 3),
        ("lr=0.001_update_every=10-seed4", {"lr": 0.001, "update_every": 10}, 4),
        ("network=my_net,lr=1e-3", {"network": "my_net", "lr": 0.001}, None),
    ],
)
def test_values_are_read_from_the_names_of_runs(
    name: str, values: dict[str, object], seed: int | None
) -> None:
    assert parse_run_name(name) == (values, seed)


def test_a_landscape_is_a_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = imported(landscape(tmp_path), tmp_path / "sweep", "--env", "CartPole-v1", "--threshold", "300")
    assert len(runs) == 12
    assert runs.groupby("lr")["final_return"].mean().to_dict() == {0.01: 552.5, 0.1: 102.5}
    assert runs[runs["lr"] == 0.01]["steps_to_threshold"].tolist() == [3000] * 6
    assert not runs[runs["lr"] == 0.1]["converged"].any()
    assert "buffer_alpha" not in runs
    for command in (["report"], ["table"], ["plan"], ["robustness"]):
        assert main([*command, str(tmp_path / "sweep")]) == 0
    page = (tmp_path / "sweep" / "report" / "index.html").read_text()
    assert "Converged faster than with lr = 0.01" in page or "Converged slower than with lr = 0.01" in page


def test_values_that_a_landscape_varied_together_are_named_on_the_first_screen(tmp_path: Path) -> None:
    path = landscape(tmp_path)
    table = pd.read_csv(path)
    table["hp_config.gamma"] = table["hp_config.learning_rate"].map({0.1: 0.9, 0.01: 0.99})
    table.to_csv(path, index=False)
    imported(path, tmp_path / "sweep", "--env", "CartPole-v1", "--threshold", "300")
    page = write_report(tmp_path / "sweep").read_text()
    screen = page[: page.index("<details")]
    assert "How do lr and what varies with it change convergence?" in screen
    assert "lr varied only together with gamma: what is said of lr may be the effect of that." in screen


def test_ours_and_theirs_are_compared(tmp_path: Path) -> None:
    for run in ("seed=0", "nobody_knows"):
        shutil.copytree(LOGS / "sb3" / RUN, tmp_path / "logs" / run)
        (tmp_path / "logs" / run / "model.zip").unlink()
    imported(tmp_path / "logs", tmp_path / "theirs")
    write_sweep(tmp_path / "ours", {"lr": [0.001, 0.01]}, 2, lambda cell, seed: 5000)
    sweep = read_sweep([tmp_path / "theirs", tmp_path / "ours"])
    axes = {axis.name: axis.values for axis in sweep.axes}
    assert axes == {"program": ("dqn_exp", "stable-baselines3"), "lr": (0.001, 0.01, "unknown")}
    assert "(stable-baselines3): 2 of 6 trials" in next(seen.sentences(sweep))


def test_a_value_that_has_two_names_is_one_axis(tmp_path: Path) -> None:
    imported(LOGS / "sb3", tmp_path / "theirs")
    write_sweep(tmp_path / "ours", {"lr": [0.001, 0.01], "buffer": [500, 5000]}, 1, lambda cell, seed: 5000)
    axes = read_sweep([tmp_path / "theirs", tmp_path / "ours"]).axes
    assert [axis.name for axis in axes] == ["buffer", "lr", "program"]


def test_what_logs_do_not_tell_makes_no_axis() -> None:
    ours = {"lr": 0.1, "agent.loss": "mse", "program": "dqn_exp"}
    axes = find_axes([ours, {**ours, "lr": 0.2}, {"lr": 0.1, "program": "CleanRL"}])
    assert [axis.name for axis in axes] == ["lr", "program"]


def test_trials_of_unknown_seeds_share_none(tmp_path: Path) -> None:
    for run in ("a", "b", "copy"):
        shutil.copytree(LOGS / "sb3" / RUN, tmp_path / "logs" / run)
        (tmp_path / "logs" / run / "model.zip").unlink()
    (tmp_path / "logs" / "b" / "evaluations.npz").unlink()
    runs = imported(tmp_path / "logs", tmp_path / "sweep")
    assert runs["seed"].isna().all()
    sweep = read_sweep(tmp_path / "sweep")
    assert len(set(seeds(sweep.counted))) == 2
    assert [left.run for left in sweep.left_out] == ["copy"]  # the same log as that of a, twice


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("monitor.csv", '#{"t_start": 1}\nr,l,t\n1,2,3\n1,x,3\n', "line 4"),
        ("monitor.csv", '#{"t_start": 1\nr,l,t\n', "line 1"),
        ("monitor.csv", '#{"t_start": 1}\nr,t\n', "line 2"),
        ("evaluations.npz", "nothing", "evaluations.npz"),
        ("runs.csv", "step,seed,return\n1,0,2\n2,0,abc\n", "line 3, column return: 'abc'"),
        ("runs.csv", "a,b\n1,2\n", "mean_return=NAME"),
        ("runs.csv", "step,return\n", "no rows"),
        ("notes.txt", "nothing", "no logs"),
    ],
)
def test_bad_logs_end_with_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, told: str
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / name).write_text(content)
    assert told in refused(capsys, tmp_path / "logs")


def test_pickled_evaluations_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").mkdir()
    ragged = np.array([[1.0], [1.0, 2.0]], dtype=object)
    np.savez(tmp_path / "logs" / "evaluations.npz", timesteps=[1, 2], results=ragged)
    assert "not pickled" in refused(capsys, tmp_path / "logs")


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine").write_text("mine")
    assert main(["import", str(LOGS / "sb3"), "--to", str(tmp_path / "there")]) == 2
    assert "already exists" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["mine"]


def test_names_of_runs_stay_in_the_sweep() -> None:
    assert folder_name("../../etc/.hidden run") == "_./_./etc/_hidden_run"
    assert parse_run_name("dqn_seed12") == ({}, 12)
    assert parse_run_name("batch_size=32,seed=3/run") == ({"batch": 32}, 3)
    assert parse_run_name("reseed=0.5") == ({"reseed": 0.5}, None)
