"""The Weights & Biases tracker: one run for each trial, grouped by sweep and configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from dqn_exp.trackers.tracker import Scalars, TrackedTrial, require

SECONDS = 45.0
"""Seconds of attempts to reach the server, fewer than a trial waits for a tracker at its end."""


class WeightsAndBiases:
    """Offline, writes one folder `offline-run-*` for each attempt at a trial, which `wandb sync` sends.

    Offline, W&B cannot tell which steps it has. Therefore a separate file records each step before it is
    logged.
    """

    def __init__(self, project: str, mode: str, folder: str) -> None:
        require("wandb", "wandb")
        if mode not in ("offline", "online"):
            raise ValueError(f"mode={mode!r}; allowed: offline, online")
        self._project, self._mode, self._folder = project, mode, Path(folder)

    def start(self, trial: TrackedTrial) -> int | None:
        path = self._folder / "told" / trial.id
        path.parent.mkdir(parents=True, exist_ok=True)
        known = path.read_text().split() if path.exists() else []
        self._step_file = open(path, "r+b" if path.exists() else "w+b", buffering=0)  # noqa: SIM115
        self._run = self._begin(trial)
        return int(known[0]) if known else None

    def _begin(self, trial: TrackedTrial) -> Any:
        os.environ.setdefault("WANDB_SILENT", "true")  # before a run has settings, W&B tells of its login
        import wandb

        return wandb.init(
            project=self._project,
            dir=self._folder,
            id=trial.id,
            resume="allow" if self._mode == "online" else None,
            name=f"{trial.configuration}/seed={trial.seed}",
            group=f"{trial.sweep}/{trial.configuration}",
            job_type="train",
            tags=[trial.sweep[:64]],
            config={**trial.hyperparameters, "sweep": trial.sweep, "configuration": trial.configuration},
            reinit="create_new",
            settings=wandb.Settings(
                mode=self._mode,
                init_timeout=SECONDS,
                silent=True,
                console="off",
                disable_git=True,
                save_code=False,
            ),
        )

    def log(self, step: int, scalars: Scalars) -> None:
        self._step_file.seek(0)
        self._step_file.write(f"{step:<20}".encode())
        self._run.log(dict(scalars), step=step, commit=True)

    def finish(self, status: str, scalars: Scalars) -> None:
        self._run.summary.update({"status": status, **scalars})
        self._run.finish(exit_code=1 if status == "failed" else 0)
        self._step_file.close()
