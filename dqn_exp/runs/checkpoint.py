"""Checkpoints, from which a killed trial continues: nested state in one safetensors file."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from dqn_exp.config import FORMAT
from dqn_exp.runs.files import CHECKPOINT, write_atomic
from dqn_exp.runs.nested import with_arrays, without_arrays
from dqn_exp.runs.networks import read_tensors
from dqn_exp.runs.observers import Observer
from dqn_exp.runs.tensors import pieces
from dqn_exp.training import Event, Run


class Part(Protocol):
    """A part of a trial that has a state."""

    def state(self) -> Any: ...

    def load_state(self, state: Any) -> Any: ...


SHARE = 20
"""Training between two checkpoints lasts at least so many times as long as saving one: a replay buffer of
images may have gigabytes."""
MOST = 100
"""The interval grows to at most so many times the configured one."""


class Checkpoint(Observer):
    """Saves the state of `parts` when the interval is over, at the next last event of a step.

    The interval is that of the configuration, or longer if saving took long the last time.
    """

    def __init__(self, directory: Path, parts: Mapping[str, Part]) -> None:
        self._directory, self._parts = directory, parts
        self._saved, self._cost = time.perf_counter(), 0.0

    def begin(self, run: Run) -> None:
        self._saved = time.perf_counter()

    def on(self, event: Event, run: Run) -> None:
        begun = time.perf_counter()
        if run.at_rest and begun - self._saved >= interval(run.config.checkpoint.every_seconds, self._cost):
            self.save(CHECKPOINT)
            self._saved = time.perf_counter()
            self._cost = self._saved - begun

    def save(self, name: str) -> None:
        """Save the parts as the file `name` in the trial's directory; the run must be at rest."""
        write_state(self._directory / name, {name: part.state() for name, part in self._parts.items()})


def interval(configured: float, cost: float) -> float:
    """Seconds between checkpoints, from the configured seconds and the seconds that saving takes."""
    return max(configured, min(SHARE * cost, MOST * configured))


def write_state(path: Path, state: Any) -> None:
    """Write `state` to `path`: plain values, arrays and tensors in dictionaries and lists."""
    tensors: dict[str, Tensor] = {}
    plain = without_arrays(state, "", tensors)
    metadata = {"format": str(FORMAT), "state": json.dumps(plain)}
    write_atomic(path, *pieces(tensors, metadata))


def read_state(path: Path) -> Any | None:
    """The state that `write_state` wrote to `path`; None if there is none or it has another format."""
    if not path.exists():
        return None
    tensors, metadata = read_tensors(path)
    if metadata.get("format") != str(FORMAT):
        return None
    return with_arrays(json.loads(metadata["state"]), tensors)
