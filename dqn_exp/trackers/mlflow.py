"""The MLflow tracker, in a folder or on a server: a sweep is an experiment, each trial a run with tags."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dqn_exp.trackers.tracker import Scalars, TrackedTrial, require

ID = "dqn_exp.trial"
"""The tag by which a continued trial finds its run."""
STATUS = {"failed": "FAILED", "interrupted": "KILLED", "pruned": "KILLED"}
"""MLflow's status for our statuses; all others are FINISHED."""
AT_A_TIME = 500
"""The most numbers that are sent together; MLflow accepts at most 1000."""
SECONDS = 2.0
"""Seconds between two sendings, if fewer numbers than `AT_A_TIME` are waiting."""
PARAMETERS_AT_A_TIME = 100
OURS = {
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "5",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}
"""Our defaults of MLflow's environment variables: no addresses between the lines of progress, and about half
a minute of attempts to reach a server (MLflow's four minutes are longer than a trial waits at its end)."""


class MLflow:
    """Sends numbers in batches. MLflow itself knows the last step that it has of each number."""

    def __init__(self, uri: str) -> None:
        """`uri`: that of a server or a database, or a folder, in which a database is created."""
        require("mlflow", "mlflow")
        self._folder = None if "://" in uri else Path(uri).absolute()
        self.uri = uri if self._folder is None else f"sqlite:///{self._folder / 'mlflow.db'}"
        self._waiting: list[Any] = []
        self._sent = 0.0
        self._step = 0

    def start(self, trial: TrackedTrial) -> int | None:
        for name, value in OURS.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient

        with self._locked():
            self._client = MlflowClient(tracking_uri=self.uri)
            experiment = self._experiment(trial.sweep)
        runs = self._client.search_runs([experiment], f"tags.`{ID}` = '{trial.id}'")
        run = runs[0] if runs else self._new_run(experiment, trial)
        self._run = run.info.run_id
        self._client.update_run(self._run, status="RUNNING")
        self._known = {
            key: max(m.step for m in self._client.get_metric_history(self._run, key))
            for key in run.data.metrics
        }
        return None

    def _experiment(self, name: str) -> str:
        experiment = self._client.get_experiment_by_name(name)
        if experiment is not None:
            return str(experiment.experiment_id)
        artifacts = None if self._folder is None else (self._folder / "artifacts").as_uri()
        return str(self._client.create_experiment(name, artifact_location=artifacts))

    def _new_run(self, experiment: str, trial: TrackedTrial) -> Any:
        from mlflow.entities import Param

        tags = {ID: trial.id, "sweep": trial.sweep, "configuration": trial.configuration}
        tags |= {"seed": str(trial.seed), "directory": str(trial.directory)}
        name = f"{trial.configuration}/seed={trial.seed}"
        run = self._client.create_run(experiment, tags=tags, run_name=name)
        params = [Param(key, str(value)) for key, value in trial.hyperparameters.items()]
        for first in range(0, len(params), PARAMETERS_AT_A_TIME):
            batch = params[first : first + PARAMETERS_AT_A_TIME]
            self._client.log_batch(run.info.run_id, params=batch)
        return run

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Lock the folder, so that two processes do not create its tables or an experiment twice."""
        if self._folder is None:
            yield
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        with open(self._folder / ".lock", "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def log(self, step: int, scalars: Scalars) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._step = step
        self._waiting += [
            Metric(name, value, now, step)
            for name, value in scalars.items()
            if step > self._known.get(name, -1)
        ]
        if len(self._waiting) >= AT_A_TIME or time.monotonic() - self._sent >= SECONDS:
            self._send()

    def finish(self, status: str, scalars: Scalars) -> None:
        self.log(self._step, scalars)
        self._send()
        self._client.set_tag(self._run, "status", status)
        self._client.set_terminated(self._run, STATUS.get(status, "FINISHED"))

    def _send(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:AT_A_TIME], self._waiting[AT_A_TIME:]
            self._client.log_batch(self._run, metrics=batch)
        self._sent = time.monotonic()
