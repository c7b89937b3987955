"""Checkpoints: one safetensors file with every array, and everything else as JSON in its metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from dqn_exp.config import ConfigError
from dqn_exp.runs.files import write_atomic
from dqn_exp.training import Trial

CHECKPOINT = "checkpoint.safetensors"
BEST = "best.safetensors"


def save_checkpoint(directory: Path, trial: Trial, extra: dict[str, Any]) -> None:
    """Everything needed to go on exactly, and `extra` beside it. Valid when an episode has ended."""
    arrays = {f"learner.{k}": v for k, v in trial.learner.arrays().items()}
    for name, column in trial.replay.arrays().items():
        arrays[f"replay.{name}"] = torch.from_numpy(column)
    metadata = {"trial": json.dumps(trial.state()), "extra": json.dumps(extra)}
    write_atomic(directory / CHECKPOINT, safetensors.torch.save(arrays, metadata))


def load_checkpoint(directory: Path, trial: Trial) -> dict[str, Any]:
    """Bring `trial` to the checkpointed moment; returns the `extra` that was saved beside it."""
    arrays, metadata = read_tensors(directory / CHECKPOINT)
    state = json.loads(metadata["trial"])
    learner = {k.removeprefix("learner."): v for k, v in arrays.items() if k.startswith("learner.")}
    replay = {k.removeprefix("replay."): v.numpy() for k, v in arrays.items() if k.startswith("replay.")}
    trial.load_state(state)
    trial.replay.load_state(state["replay"], replay)
    trial.learner.load_arrays(learner)
    extra: dict[str, Any] = json.loads(metadata["extra"])
    return extra


def save_network(path: Path, network: nn.Module) -> None:
    arrays = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
    write_atomic(path, safetensors.torch.save(arrays))


def load_network(path: Path, network: nn.Module) -> None:
    """Fill `network` from `path`; raises ConfigError where it is of another shape or no such file."""
    arrays, _ = read_tensors(path)
    own = {k: tuple(v.shape) for k, v in network.state_dict().items()}
    saved = {k: tuple(v.shape) for k, v in arrays.items()}
    if own != saved:
        raise ConfigError(f"{path} holds another network: {_describe(saved)}; this one is {_describe(own)}")
    network.load_state_dict(arrays)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Arrays and metadata of a safetensors file; a pickle or anything else is refused."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            return arrays, file.metadata() or {}
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; allowed: the directory of a trial") from None
    except safetensors.SafetensorError as error:
        raise ConfigError(
            f"{path} is not a safetensors file ({error}); other formats are refused, because "
            f"opening them may run code"
        ) from None


def _describe(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
