"""The formats beside safetensors, and what is needed to write one."""

from __future__ import annotations

import importlib.util


class NotExportable(Exception):
    """A format cannot hold this network, or cannot be written here; the message says why."""


FORMATS = ("onnx", "sb3")


def need(packages: dict[str, str]) -> None:
    """Raise NotExportable where a package is missing; `packages`: its module, and what pip is to install."""
    for module, installed in packages.items():
        if importlib.util.find_spec(module) is None:
            raise NotExportable(f"it needs {module}, which is not installed: pip install '{installed}'")
