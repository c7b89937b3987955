"""MLflow's own client reads a trial that was interrupted and continued."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis import load_curves, load_runs
from analysis.__main__ import main
from dqn_exp.runs.points import Points
from dqn_exp.runs.tracking import PATIENCE
from dqn_exp.trackers.mlflow import MLflow
from tests.trackers.trial import follow_in_two_attempts, trial_of

mlflow = pytest.importorskip("mlflow", exc_type=ImportError)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trial in two attempts, followed by MLflow in a folder."""
    place = tmp_path_factory.mktemp("sweep")
    follow_in_two_attempts(place / "buffer=17k,seed=3", {"mlflow": {"uri": str(place / "runs")}})
    return place


def runs(uri: Path, experiment: str) -> tuple[Any, list[Any]]:
    client = mlflow.MlflowClient(tracking_uri=MLflow(str(uri)).uri)
    return client, client.search_runs([client.get_experiment_by_name(experiment).experiment_id])


def test_every_number_is_there_once(place: Path) -> None:
    told: dict[str, list[tuple[int, float]]] = {}
    for step, numbers in Points(place / "buffer=17k,seed=3").up_to(10**9):
        for name, value in numbers.items():
            told.setdefault(name, []).append((step, value))
    client, (run,) = runs(place / "runs", place.name)
    found = {
        name: sorted((m.step, m.value) for m in client.get_metric_history(run.info.run_id, name))
        for name in run.data.metrics
    }
    final = {name: found.pop(name) for name in list(found) if name.startswith("final/")}
    assert found == told
    assert all(len(points) == 1 for points in final.values())
    assert len(final) == 2


def test_a_run_says_whose_it_is(place: Path) -> None:
    _, (run,) = runs(place / "runs", place.name)
    assert run.info.run_name == "buffer=17k/seed=3"
    assert run.info.status == "FINISHED"
    assert run.data.tags["configuration"] == "buffer=17k"
    assert run.data.tags["seed"] == "3"
    assert run.data.tags["status"] == "exhausted"
    assert run.data.params["batch"] == "16"
    assert run.data.params["env.id"] == "CartPole-v1"


def test_its_database_is_imported_as_a_sweep(place: Path, tmp_path: Path) -> None:
    assert main(["import", str(place / "runs"), "--to", str(tmp_path / "sweep")]) == 0
    trial = place / "buffer=17k,seed=3"
    row, trained = load_runs(tmp_path / "sweep").iloc[0], load_runs(trial).iloc[0]
    for name in ("seed", "lr", "buffer", "env.id", "converged", "final_return", "episodes"):
        assert row[name] == trained[name], name
    columns = ["env_step", "mean_return", "std_return"]
    read, evaluations = (load_curves(path, "evaluations")[columns] for path in (tmp_path / "sweep", trial))
    pd.testing.assert_frame_equal(read, evaluations, check_dtype=False)


def test_what_is_sent_again_is_there_once_and_the_rest_too(place: Path) -> None:
    """A batch may have arrived in part when a process was killed."""
    first, again = MLflow(str(place / "runs")), MLflow(str(place / "runs"))
    first.start(trial_of("a" * 16, place))
    first.log(1, {"charts/x": 1.0, "charts/y": 1.0})
    first.log(2, {"charts/x": 2.0})
    first.finish("interrupted", {})
    again.start(trial_of("a" * 16, place))
    for step in (1, 2, 3):
        again.log(step, {"charts/x": float(step), "charts/y": float(step)})
    again.finish("failed", {})
    client, (run,) = runs(place / "runs", "sweep")
    for name in ("charts/x", "charts/y"):
        history = client.get_metric_history(run.info.run_id, name)
        assert sorted((m.step, m.value) for m in history) == [(1, 1.0), (2, 2.0), (3, 3.0)]
    assert run.info.status == "FAILED"


def test_a_server_that_is_away_is_given_up_before_the_trial_stops_waiting(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and nobody listens
        tracker = MLflow(f"http://127.0.0.1:{nobody.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(mlflow.exceptions.MlflowException, match="Connection refused"):
            tracker.start(trial_of("a" * 16, tmp_path))
    assert 10 < time.monotonic() - began < PATIENCE[True]  # a server may be started anew meanwhile
