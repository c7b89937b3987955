"""Config groups by dotted names: what a user types as network.head=c51 Hydra calls network/head=c51."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dqn_exp.config.paths import CONF


def grouped(override: str) -> str:
    """`override` as Hydra reads it: a dotted key that names a config group is that group.

    Unless its value is that of a section, {name: c51}, which is a value like others.
    """
    key, equals, value = override.partition("=")
    return override if value.startswith("{") else f"{group_key(key)}{equals}{value}"


def group_key(key: str) -> str:
    """`key` with slashes where, but for a sign before it, it names a folder of conf/ here or there."""
    name = key.lstrip("+~")
    path = name.replace(".", "/")
    is_group = "." in name and any((conf / path).is_dir() for conf in (CONF, Path("conf")))
    return key.removesuffix(name) + path if is_group else key


def dotted(override: str) -> str:
    """`override` with the key of a group as people type it; those of Hydra itself have slashes."""
    key, equals, value = override.partition("=")
    return override if key.lstrip("+~").startswith("hydra/") else f"{key.replace('/', '.')}{equals}{value}"


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested values by dotted names; a section without values is not among them."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
