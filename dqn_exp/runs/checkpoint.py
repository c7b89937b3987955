"""Checkpoints: where a killed trial goes on. One safetensors file of nested state."""

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
    """Something of a trial that has a state."""

    def state(self) -> Any: ...

    def load_state(self, state: Any) -> Any: ...


SHARE = 20
"""Training lasts at least so many times as long as saving does: a replay of images may be gigabytes."""
MOST = 100
"""The interval grows to no more than so many times what is asked for."""


class Checkpoint(Observer):
    """Saves the state of `parts` at the first event after the interval that ends a step.

    The interval is what the configuration says, and longer where the latest saving took its time.
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
        """Save the state of the parts, which must be at rest, under this name in the trial's directory."""
        write_state(self._directory / name, {name: part.state() for name, part in self._parts.items()})


def interval(asked: float, cost: float) -> float:
    """Seconds between checkpoints, from what is asked for and the seconds that saving takes."""
    return max(asked, min(SHARE * cost, MOST * asked))


def write_state(path: Path, state: Any) -> None:
    """Replace `path` by `state`: plain values, arrays and tensors in dictionaries and lists."""
    tensors: dict[str, Tensor] = {}
    plain = without_arrays(state, "", tensors)
    metadata = {"format": str(FORMAT), "state": json.dumps(plain)}
    write_atomic(path, *pieces(tensors, metadata))


def read_state(path: Path) -> Any | None:
    """The state that `write_state` wrote; None where there is none, or one of another format."""
    if not path.exists():
        return None
    tensors, metadata = read_tensors(path)
    if metadata.get("format") != str(FORMAT):
        return None
    return with_arrays(json.loads(metadata["state"]), tensors)
