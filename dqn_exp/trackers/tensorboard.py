"""The TensorBoard tracker: `tensorboard --logdir outputs/tensorboard` shows SWEEP/CONFIGURATION/seed=N."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dqn_exp.statuses import FINISHED
from dqn_exp.trackers.tracker import Scalars, TrackedTrial, require


class TensorBoard:
    """Writes an event file for each attempt at a trial, without the steps of earlier files.

    A step is one record of the file, so a killed process leaves all numbers of a step or none.
    """

    def __init__(self, folder: str) -> None:
        """`folder`: the folder for `tensorboard --logdir`."""
        require("tensorboard", "tensorboard")
        self._folder = Path(folder)
        self._step: int | None = None
        self._is_ended = False

    def start(self, trial: TrackedTrial) -> int | None:
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb
        from tensorboard.summary.writer.record_writer import RecordWriter

        run = f"seed={trial.seed}"
        folder = self._folder / trial.sweep / trial.configuration
        if any(trial.id not in path.name for path in _event_files(folder / run)):
            run = f"{run}~{trial.id[:6]}"  # another trial has that name
        (folder / run).mkdir(parents=True, exist_ok=True)
        earlier = _event_files(folder / run)
        self._look_at(earlier)
        name = f"events.out.tfevents.{int(time.time()):010d}.{len(earlier):04d}.{trial.id}"
        self._file = open(folder / run / name, "xb", buffering=0)  # noqa: SIM115 - owned until finish()
        self._writer = RecordWriter(self._file)
        self._write(file_version="brain.Event:2")
        if not earlier:
            name = f"{trial.sweep}/{trial.configuration}/{run}"
            self._write(summary=hparams_pb(dict(trial.hyperparameters), trial_id=name))
        return self._step

    def log(self, step: int, scalars: Scalars) -> None:
        self._step, self._is_ended = step, False
        self._write(step=step, summary=_summary(scalars))

    def finish(self, status: str, scalars: Scalars) -> None:
        if not self._is_ended:
            if scalars:
                self._write(step=self._step or 0, summary=_summary(scalars))
            if status in FINISHED:
                self._write(summary=_session_end())
        self._file.close()

    def _look_at(self, files: Iterable[Path]) -> None:
        """Read from `files` the last step, and whether the trial has ended."""
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

        for path in files:
            for event in EventFileLoader(str(path)).Load():
                tags = {value.tag for value in event.summary.value}
                if any("/" in tag and not tag.startswith("_") for tag in tags):
                    self._is_ended = False
                    self._step = max(event.step, self._step or 0)
                self._is_ended |= any(tag.endswith("session_end_info") for tag in tags)

    def _write(self, **content: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer.write(Event(wall_time=time.time(), **content).SerializeToString())


def _event_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*tfevents*"))


def _summary(scalars: Scalars) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary

    return Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in scalars.items()])


def _session_end() -> Any:
    """The entry that tells the page of hyperparameters that a trial is over."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    end = plugin_data_pb2.SessionEndInfo(
        status=api_pb2.Status.Value("STATUS_SUCCESS"), end_time_secs=time.time()
    )
    described = metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(session_end_info=end))
    return Summary(value=[Summary.Value(tag=metadata.SESSION_END_INFO_TAG, metadata=described)])
