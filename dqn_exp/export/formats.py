"""The files of a model's folder, the formats beside safetensors, and what is needed to write one."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field

CONFIG, MODEL, ONNX, SB3 = "config.json", "model.safetensors", "model.onnx", "sb3.zip"
EVALUATION, CARD, CURVE, FILM = "evaluation.json", "README.md", "learning_curve.png", "replay.mp4"
FORMATS = {"onnx": ONNX, "sb3": SB3}
"""By the name that --formats takes, the file."""


class NotExportable(Exception):
    """A format cannot hold this network, or cannot be written here; the message says why."""


@dataclass
class Contents:
    """What has become of a folder's parts."""

    files: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """Why, by the file's name."""
    onnx_difference: float | None = None


def need(packages: dict[str, str]) -> None:
    """Raise NotExportable where a package is missing; `packages`: its module, and what pip is to install."""
    for module, installed in packages.items():
        if importlib.util.find_spec(module) is None:
            raise NotExportable(f"it needs {module}, which is not installed: pip install '{installed}'")
