"""Everything that can be known to be wrong before the first step of training."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from dqn_exp.config import Config, EnvConfig, parse_config
from dqn_exp.registry import import_modules, networks


def resolve_config(values: Mapping[str, Any]) -> Config:
    """The complete configuration of a trial, or a ConfigError that says what to mend.

    Imports the modules that the configuration names, and makes its environment once.
    """
    config = parse_config(values)
    import_modules(config.imports)
    networks.check("network.name", config.network.name)
    env, threshold = _resolve_environment(config.env.model_dump_json(), config.convergence.threshold)
    convergence = config.convergence.model_copy(update={"threshold": threshold})
    return config.model_copy(update={"env": env, "convergence": convergence})


@cache
def _resolve_environment(env: str, threshold: float | None) -> tuple[EnvConfig, float]:
    from dqn_exp.envs import resolve_environment

    return resolve_environment(EnvConfig.model_validate_json(env), threshold)
