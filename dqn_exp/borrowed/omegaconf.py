"""Private parts of OmegaConf: write strings in YAML, and read all values of a configuration quickly."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

from omegaconf import Container, OmegaConf
from omegaconf._utils import OmegaConfDumper

TESTED = {"omegaconf": ["2.3.1"]}
PATH = re.compile(r"\$\{(\w+(?:\.\w+)*)\}")


def represent_string(dumper: Any, text: str) -> Any:
    """A representer for PyYAML that puts strings in quotes if they look like numbers or booleans.

    Use: `Dumper.add_representer(str, represent_string)`.
    """
    return OmegaConfDumper.str_representer(dumper, text)


def plain(config: Container, resolve: bool) -> Any:
    """What `OmegaConf.to_container(config, resolve=resolve, enum_to_str=True)` returns, much faster."""
    nodes = config._value()  # type: ignore[attr-defined]
    if isinstance(nodes, dict):
        return {key: _plain_value(config, key, node, resolve) for key, node in nodes.items()}
    if isinstance(nodes, list):
        return [_plain_value(config, index, node, resolve) for index, node in enumerate(nodes)]
    return nodes  # None, or the text of an interpolation


def _plain_value(parent: Any, key: Any, node: Any, resolve: bool) -> Any:
    value = node._value()
    if resolve and isinstance(value, str) and "${" in value:
        value = node = _resolved(parent, key, value)
    if isinstance(node, Container):
        return plain(node, resolve)
    return value.name if isinstance(value, Enum) else value


def _resolved(parent: Any, key: Any, text: str) -> Any:
    """What the interpolation `text` leads to; a path such as ${network.hidden} is not parsed by a grammar."""
    path = PATH.fullmatch(text)
    found = OmegaConf.select(parent._get_root(), path[1]) if path else None
    return parent[key] if found is None else found
