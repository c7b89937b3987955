"""Checkpoints: where a killed trial goes on. One safetensors file of nested state.

Arrays are stored under the path that leads to them; everything else is JSON in the file's metadata,
where each array's place is held by the path of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from dqn_exp.config import FORMAT
from dqn_exp.runs.files import write_atomic
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
    plain = _without_arrays(state, "", tensors)
    metadata = {"format": str(FORMAT), "state": json.dumps(plain)}
    write_atomic(path, safetensors.torch.save(tensors, metadata))


def read_state(path: Path) -> Any | None:
    """The state that `write_state` wrote; None where there is none, or one of another format."""
    if not path.exists():
        return None
    tensors, metadata = read_tensors(path)
    if metadata.get("format") != str(FORMAT):
        return None
    return _with_arrays(json.loads(metadata["state"]), tensors)


def _without_arrays(state: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """`state` as JSON's values; its arrays go into `tensors`."""
    match state:
        case np.ndarray():
            tensors[path] = torch.from_numpy(np.ascontiguousarray(state))
            return {"<array>": path}
        case Tensor():
            tensors[path] = state.detach().cpu().contiguous()
            return {"<tensor>": path}
        case dict():
            items = {key: _without_arrays(value, f"{path}/{key}", tensors) for key, value in state.items()}
            return items if all(isinstance(key, str) for key in items) else {"<items>": list(items.items())}
        case list() | tuple():
            return [_without_arrays(value, f"{path}/{n}", tensors) for n, value in enumerate(state)]
        case np.generic():
            return state.item()
    return state


def _with_arrays(plain: Any, tensors: Mapping[str, Tensor]) -> Any:
    match plain:
        case {"<array>": path}:
            return tensors[path].numpy()
        case {"<tensor>": path}:
            return tensors[path]
        case {"<items>": items}:
            return {key: _with_arrays(value, tensors) for key, value in items}
        case dict():
            return {key: _with_arrays(value, tensors) for key, value in plain.items()}
        case list():
            return [_with_arrays(value, tensors) for value in plain]
    return plain
