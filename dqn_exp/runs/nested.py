"""Nested state in a safetensors file: arrays by their path in the state, everything else as JSON.

In the JSON, each array is replaced by its path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor


def without_arrays(state: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """`state` as values for JSON; its arrays are added to `tensors`."""
    match state:
        case np.ndarray():
            tensors[path] = torch.from_numpy(np.ascontiguousarray(state))
            return {"<array>": path}
        case Tensor():
            tensors[path] = state.detach().cpu().contiguous()
            return {"<tensor>": path}
        case dict():
            items = {key: without_arrays(value, f"{path}/{key}", tensors) for key, value in state.items()}
            return items if all(isinstance(key, str) for key in items) else {"<items>": list(items.items())}
        case list() | tuple():
            return [without_arrays(value, f"{path}/{n}", tensors) for n, value in enumerate(state)]
        case np.generic():
            return state.item()
    return state


def with_arrays(plain: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The state that `without_arrays` took apart."""
    match plain:
        case {"<array>": path}:
            return tensors[path].numpy()
        case {"<tensor>": path}:
            return tensors[path]
        case {"<items>": items}:
            return {key: with_arrays(value, tensors) for key, value in items}
        case dict():
            return {key: with_arrays(value, tensors) for key, value in plain.items()}
        case list():
            return [with_arrays(value, tensors) for value in plain]
    return plain
