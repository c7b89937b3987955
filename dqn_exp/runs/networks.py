"""Networks as files: safetensors, which can hold arrays and nothing that runs."""

from __future__ import annotations

from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor, nn

from dqn_exp.config import ConfigError
from dqn_exp.runs.files import write_atomic

BEST = "best.safetensors"


def save_network(path: Path, network: nn.Module) -> None:
    """Replace `path` by the weights and buffers of `network`."""
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
