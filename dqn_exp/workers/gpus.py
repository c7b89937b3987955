"""Assign GPUs to trials in turn; several trials may share one GPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible_gpus(environment: Mapping[str, str], root: Path = Path("/")) -> list[str]:
    """The GPUs that a process with this `environment` sees, as `CUDA_VISIBLE_DEVICES` names them.

    `root`: the root of the file system, in which NVIDIA's driver lists the GPUs.
    """
    if VISIBLE in environment:
        named = [name.strip() for name in environment[VISIBLE].split(",")]
        return [name for name in named if name not in ("", "-1")]
    return [str(index) for index, _ in enumerate(root.glob("proc/driver/nvidia/gpus/*"))]


def on_gpu(place: int, gpus: Sequence[str]) -> dict[str, str]:
    """The environment variables to add for the trial at `place`, from 0; empty without GPUs."""
    return {VISIBLE: gpus[place % len(gpus)]} if gpus else {}
