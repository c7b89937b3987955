"""Checkpoints: where a killed trial goes on. One safetensors file of nested state."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import safetensors.torch
from torch import Tensor

from dqn_exp.config import FORMAT
from dqn_exp.runs.files import write_atomic
from dqn_exp.runs.nested import with_arrays, without_arrays
from dqn_exp.runs.networks import read_tensors
from dqn_exp.runs.observers import Observer
from dqn_exp.training import Event, Run

CHECKPOINT = "checkpoint.safetensors"


class Part(Protocol):
    """Something of a trial that has a state."""

    def state(self) -> Any: ...

    def load_state(self, state: Any) -> Any: ...


class Checkpoint(Observer):
    """Saves the state of `parts` at the first event after the interval that ends a step."""

    def __init__(self, directory: Path, parts: Mapping[str, Part]) -> None:
        self._directory, self._parts = directory, parts
        self._saved = time.perf_counter()

    def begin(self, run: Run) -> None:
        self._saved = time.perf_counter()

    def on(self, event: Event, run: Run) -> None:
        interval = run.config.checkpoint.every_seconds
        if run.at_rest and time.perf_counter() - self._saved >= interval:
            write_state(self._directory / CHECKPOINT, {name: p.state() for name, p in self._parts.items()})
            self._saved = time.perf_counter()


def write_state(path: Path, state: Any) -> None:
    """Replace `path` by `state`: plain values, arrays and tensors in dictionaries and lists."""
    tensors: dict[str, Tensor] = {}
    plain = without_arrays(state, "", tensors)
    metadata = {"format": str(FORMAT), "state": json.dumps(plain)}
    write_atomic(path, safetensors.torch.save(tensors, metadata))


def read_state(path: Path) -> Any | None:
    """The state that `write_state` wrote; None where there is none, or one of another format."""
    if not path.exists():
        return None
    tensors, metadata = read_tensors(path)
    if metadata.get("format") != str(FORMAT):
        return None
    return with_arrays(json.loads(metadata["state"]), tensors)
