"""Write the safetensors format piece by piece, so that gigabytes of data are not copied.

https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import torch
from torch import Tensor

NAMES = {
    torch.float64: "F64",
    torch.int64: "I64",
    torch.float32: "F32",
    torch.int32: "I32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""The format's names of the data types."""


def pieces(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> list[bytes | memoryview]:
    """The content of a file: its header and the memory of each tensor, wider data types first.

    Valid until a tensor changes. The tensors must be in CPU memory, without gaps.
    """
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    memory: list[bytes | memoryview] = []
    at = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0])):
        size = tensor.numel() * tensor.itemsize
        kind, shape = NAMES[tensor.dtype], list(tensor.shape)
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, at + size]}
        flat = tensor.as_strided((tensor.numel(),), (1,))
        memory.append(flat.view(torch.uint8).numpy().data)
        at += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text = text.ljust(-(-len(text) // 8) * 8)  # so that 8-byte numbers begin at multiples of 8
    return [len(text).to_bytes(8, "little"), text, *memory]
