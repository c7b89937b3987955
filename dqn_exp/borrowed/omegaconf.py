"""Private parts of OmegaConf: write strings in YAML, in quotes if they look like numbers or booleans."""

from __future__ import annotations

from typing import Any

from omegaconf._utils import OmegaConfDumper

TESTED = {"omegaconf": ["2.3.1"]}


def represent_string(dumper: Any, text: str) -> Any:
    """A representer for PyYAML: `Dumper.add_representer(str, represent_string)`."""
    return OmegaConfDumper.str_representer(dumper, text)
