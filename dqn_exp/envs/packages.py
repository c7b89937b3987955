"""Environments of optional packages, registered with gymnasium when one of their ids is first used."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import NamedTuple

import gymnasium

from dqn_exp.config import ConfigError


class Package(NamedTuple):
    module: str
    extra: str
    """The name of our optional dependency that installs the package."""
    register: Callable[[], None]


def _register_minatar() -> None:
    from minatar.gym import register_envs

    register_envs()


def _register_ale() -> None:
    import ale_py

    gymnasium.register_envs(ale_py)  # its import has registered them already
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)  # no banner for each game that is loaded


PACKAGES = {
    "MinAtar": Package("minatar", "minatar", _register_minatar),
    "ALE": Package("ale_py", "atari", _register_ale),
}
"""The packages, by the namespace of their environment ids."""


def register_package(environment_id: str) -> None:
    """Register the package of `environment_id`, if it has one; raises ConfigError if it is not installed."""
    namespace, _, name = environment_id.partition("/")
    package = PACKAGES.get(namespace) if name else None
    if package is None or any(known.startswith(f"{namespace}/") for known in gymnasium.registry):
        return
    try:
        importlib.import_module(package.module)
    except ImportError as error:
        raise ConfigError(
            f"env.id={environment_id} needs {package.module}, which is not installed ({error}): "
            f"pip install 'dqn_exp[{package.extra}]'"
        ) from error
    package.register()
