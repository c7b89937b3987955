"""Config groups by dotted names: users type network.head=c51, Hydra needs network/head=c51."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dqn_exp.config.paths import CONF


def grouped(override: str) -> str:
    """`override` with slashes in its key if the key is the dotted name of a config group.

    If the value is a section, such as {name: c51}, the override stays as it is.
    """
    key, equals, value = override.partition("=")
    return override if value.startswith("{") else f"{group_key(key)}{equals}{value}"


def group_key(key: str) -> str:
    """`key` with slashes if it names a folder of our or the user's conf/; a sign before it is kept."""
    name = key.lstrip("+~")
    path = name.replace(".", "/")
    is_group = "." in name and any((conf / path).is_dir() for conf in (CONF, Path("conf")))
    return key.removesuffix(name) + path if is_group else key


def dotted(override: str) -> str:
    """`override` with dots instead of slashes in its key; keys of Hydra itself keep their slashes."""
    key, equals, value = override.partition("=")
    return override if key.lstrip("+~").startswith("hydra/") else f"{key.replace('/', '.')}{equals}{value}"


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Pairs of dotted name and value of nested values; empty sections are left out."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
