"""Read the weights of checkpoints of stable-baselines3's DQN without running any code from them.

Such a zip file contains pickles. `policy.pth` is read by torch's loader with `weights_only`; `data` is JSON,
of which only plain text is used.
"""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dqn_exp.config import ConfigError, NetworkConfig
from dqn_exp.runs.files import NETWORK

ONLINE = "q_net."
"""The prefix of the names of the online network's weights."""
NAMES = ("mlp", "cnn")
"""Networks whose layers may equal those of an MlpPolicy or a CnnPolicy."""


def is_sb3(init_from: str) -> bool:
    return init_from.endswith(".zip")


def weights_file(init_from: str) -> Path:
    """The file with the initial weights: a trial's network, or a checkpoint of stable-baselines3."""
    return Path(init_from) if is_sb3(init_from) else Path(init_from) / NETWORK


def load_sb3(path: Path, network: nn.Module, config: NetworkConfig) -> None:
    """Fill `network`, which `config` describes, with the online network in `path`.

    Raises ConfigError if `path` cannot be read or holds another network.
    """
    data, weights = _read(path)
    own = network.state_dict()
    theirs, ours = _described(weights, _activation(data)), _described([*own.values()], config.activation)
    if theirs != ours or config.name not in NAMES:
        raise ConfigError(
            f"init_from={path}: its network is {theirs}; this trial's is {config.name} {ours}; allowed: an "
            f"equal network with the plain layers of network=mlp or network=nature"
        )
    network.load_state_dict(dict(zip(own, weights, strict=True)))


def _read(path: Path) -> tuple[Any, list[Tensor]]:
    """The description of the checkpoint, and the weights of its online network in order."""
    try:
        with zipfile.ZipFile(path) as archive:
            data = json.loads(archive.read("data"))
            content = io.BytesIO(archive.read("policy.pth"))
        policy = torch.load(content, map_location="cpu", weights_only=True)
        weights = [tensor for name, tensor in policy.items() if name.startswith(ONLINE)]
    except FileNotFoundError:
        raise ConfigError(
            f"init_from={path} does not exist; allowed: a trial's directory, or a zip file"
        ) from None
    except pickle.UnpicklingError:
        raise ConfigError(
            f"init_from={path}: its policy.pth contains more than tensors, which is refused, because reading "
            f"it may run code"
        ) from None
    except (OSError, ValueError, KeyError, AttributeError, RuntimeError, zipfile.BadZipFile) as error:
        raise ConfigError(
            f"init_from={path} is not a checkpoint of stable-baselines3 ({type(error).__name__}: {error})"
        ) from None
    if not weights:
        raise ConfigError(f"init_from={path} has no q_net; allowed: a checkpoint of stable-baselines3's DQN")
    return data, weights


def _activation(data: Any) -> str:
    """The activation function of the policy; ReLU if the checkpoint names none."""
    policy = data.get("policy_kwargs", {}) if isinstance(data, dict) else {}
    named = str(policy.get("activation_fn", "ReLU")) if isinstance(policy, dict) else "ReLU"
    return named.rstrip("'>").rpartition(".")[2].lower()


def _described(weights: Sequence[Tensor], activation: str) -> str:
    shapes = ", ".join("x".join(map(str, tensor.shape)) for tensor in weights)
    return f"{shapes} ({activation})"
