"""Reads the settings that RL Zoo writes beside the logs of stable-baselines3.

`logs/dqn/CartPole-v1_1/` holds the logs of a run, and in it `CartPole-v1/` holds `config.yml` and `args.yml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from analysis.errors import AnalysisError

SETTINGS, ARGUMENTS = "config.yml", "args.yml"
TOLD = ("algo", "env", "seed")
"""The arguments that describe the run; the others describe the command."""


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Reads only plain values, and ordered dictionaries as RL Zoo writes them; creates no other objects."""


def _ordered(loader: Any, _: str, node: Any) -> dict[str, Any]:
    """An `OrderedDict([[key, value], ...])` in PyYAML's notation."""
    (pairs,) = loader.construct_sequence(node, deep=True)
    return dict(pairs)


def _tuple(loader: Any, node: Any) -> list[Any]:
    return list(loader.construct_sequence(node, deep=True))


_Loader.add_multi_constructor("tag:yaml.org,2002:python/object/apply:collections.OrderedDict", _ordered)
_Loader.add_constructor("tag:yaml.org,2002:python/tuple", _tuple)


def read_settings(folder: Path) -> Mapping[str, Any]:
    """The settings of the run in `folder`, by RL Zoo's names; {} if there are none.

    Raises AnalysisError if they cannot be read.
    """
    paths = sorted(folder.glob(f"*/{SETTINGS}"))
    if not paths:
        return {}
    arguments = paths[0].with_name(ARGUMENTS)
    settings, args = _read(paths[0]), _read(arguments) if arguments.exists() else {}
    return {**settings, **{name: args[name] for name in TOLD if args.get(name) is not None}}


def _read(file: Path) -> Mapping[str, Any]:
    try:
        content = yaml.load(file.read_text(), _Loader)
    except (yaml.YAMLError, ValueError, OSError) as error:
        where = " ".join(str(error).split())
        raise AnalysisError(f"{file}: {where}; allowed: YAML with plain values") from None
    if not isinstance(content, dict):
        raise AnalysisError(f"{file} holds {type(content).__name__}; allowed: names and values")
    return content
