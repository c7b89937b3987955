"""The files of a model's folder, its formats in addition to safetensors, and their requirements."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field

CONFIG, MODEL, ONNX, SB3 = "config.json", "model.safetensors", "model.onnx", "sb3.zip"
EVALUATION, CARD, CURVE, FILM = "evaluation.json", "README.md", "learning_curve.png", "replay.mp4"
FORMATS = {"onnx": ONNX, "sb3": SB3}
"""The file of each format, by the name in --formats."""


class NotExportable(Exception):
    """A format cannot represent this network or cannot be written here; the message says why."""


@dataclass
class Contents:
    """The files in a model's folder, and those left out."""

    files: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """The reason, by the file's name."""
    onnx_difference: float | None = None


def need(packages: dict[str, str]) -> None:
    """Raise NotExportable if a package is missing; `packages` maps modules to what pip has to install."""
    for module, installed in packages.items():
        if importlib.util.find_spec(module) is None:
            raise NotExportable(f"it needs {module}, which is not installed: pip install '{installed}'")
