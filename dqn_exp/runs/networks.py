"""Networks as safetensors files, which contain arrays and no code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor, nn

from dqn_exp.config import ConfigError
from dqn_exp.runs.files import write_atomic
from dqn_exp.runs.nested import with_arrays, without_arrays

STATISTICS = "statistics"
"""The path of the normalising wrappers' statistics in the file, as nested state."""


def save_network(path: Path, network: nn.Module, statistics: Sequence[Any] = ()) -> None:
    """Write the weights and buffers of `network` and the statistics of normalising wrappers to `path`."""
    arrays = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
    plain = json.dumps(without_arrays(list(statistics), STATISTICS, arrays))
    write_atomic(path, safetensors.torch.save(arrays, {STATISTICS: plain} if statistics else None))


def load_network(path: Path, network: nn.Module) -> None:
    """Fill `network` from `path`; raises ConfigError if the shapes differ or it is not a safetensors file."""
    tensors, _ = read_tensors(path)
    arrays = {k: v for k, v in tensors.items() if not k.startswith(f"{STATISTICS}/")}
    own = {k: tuple(v.shape) for k, v in network.state_dict().items()}
    saved = {k: tuple(v.shape) for k, v in arrays.items()}
    if own != saved:
        raise ConfigError(
            f"{path} contains a different network: {_describe(saved)}; this one is {_describe(own)}"
        )
    network.load_state_dict(arrays)


def load_statistics(path: Path) -> list[Any]:
    """The statistics of the training environment's normalising wrappers when the network was saved."""
    arrays, metadata = read_tensors(path)
    statistics: list[Any] = with_arrays(json.loads(metadata.get(STATISTICS, "[]")), arrays)
    return statistics


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Arrays and metadata of a safetensors file; raises ConfigError for a pickle or any other format."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            return arrays, file.metadata() or {}
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; allowed: the directory of a trial") from None
    except safetensors.SafetensorError as error:
        raise ConfigError(
            f"{path} is not a safetensors file ({error}); other formats are refused, because "
            f"reading them may run code"
        ) from None


def _describe(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
