from __future__ import annotations

from pathlib import Path

import safetensors
import torch

from dqn_exp.runs.files import write_atomic
from dqn_exp.runs.tensors import NAMES, pieces


def test_the_package_reads_it(tmp_path: Path) -> None:
    """Every type of numbers, scalars and empty tensors."""
    tensors = {f"a/{kind}": torch.arange(3).to(dtype).reshape(1, 3) for dtype, kind in NAMES.items()}
    tensors |= {"scalar": torch.tensor(2.5), "empty": torch.zeros(0, 4, dtype=torch.uint8)}
    write_atomic(tmp_path / "file", *pieces(tensors, {"text": "ä"}))
    with safetensors.safe_open(tmp_path / "file", framework="pt") as file:
        assert file.metadata() == {"text": "ä"}
        assert set(file.keys()) == set(tensors)
        for name, tensor in tensors.items():
            read = file.get_tensor(name)
            assert (read.dtype, read.shape) == (tensor.dtype, tensor.shape)
            assert torch.equal(read, tensor)


def test_nothing_is_copied() -> None:
    tensor = torch.zeros(4, 5)
    *_, memory = pieces({"a": tensor}, {})
    tensor[0, 0] = 1
    assert bytes(memory) == tensor.numpy().tobytes()
