"""Checks of a configuration before the first step of training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from dqn_exp.agent import check_learner
from dqn_exp.config import Config, ConfigError, EnvConfig, parse_config
from dqn_exp.heads import resolve_support
from dqn_exp.networks import convolved
from dqn_exp.plan.unread import check_unread
from dqn_exp.plan.warm_start import check_init_from
from dqn_exp.registry import agents, heads, import_modules, networks, observers
from dqn_exp.trackers import build_tracker
from dqn_exp.training import check_video


def resolve_config(values: Mapping[str, Any], in_subprocess: bool = False) -> Config:
    """The complete configuration of a trial; raises ConfigError, which says what to change.

    Imports the modules that the configuration names and tries out its environment, in a separate process if
    `in_subprocess`.
    """
    config = parse_config(values)
    import_modules(config.imports)
    agents.check("agent.name", config.agent.name)
    networks.check("network.name", config.network.name)
    heads.check("network.head.name", config.network.head.name)
    check_unread(config)
    for name in config.observers:
        observers.check("observers", name)
    env, threshold = _resolve_environment(
        config.env.model_dump_json(), config.convergence.threshold, in_subprocess
    )
    if env.action_masks and config.env.action_masks is None:
        _check_masks(config)
    convergence = config.convergence.model_copy(update={"threshold": threshold})
    config = config.model_copy(update={"env": env, "convergence": convergence})
    config = resolve_support(config)
    check_learner(config)
    if config.network.name == "cnn":
        convolved(_observed_shape(env.model_dump_json(), in_subprocess), config.network.convolutions)
    if config.evaluation.env.kwargs:
        _check_evaluation(config, in_subprocess)
    check_init_from(config)
    check_video(config)
    return config


@cache
def _resolve_environment(env: str, threshold: float | None, in_subprocess: bool) -> tuple[EnvConfig, float]:
    from dqn_exp.envs import resolve_environment

    return resolve_environment(EnvConfig.model_validate_json(env), threshold, in_subprocess)


@cache
def _observed_shape(env: str, in_subprocess: bool) -> tuple[int, ...]:
    from dqn_exp.envs import observed_shape

    return observed_shape(EnvConfig.model_validate_json(env), in_subprocess)


def _check_masks(config: Config) -> None:
    """Raise ConfigError if the environment gives masks that the agent might not respect."""
    if config.agent.name != "dqn":
        raise ConfigError(
            f"env.id={config.env.id} has masks in info['action_mask'], and agent.name={config.agent.name!r} "
            f"may not use them; allowed: agent.name=dqn, env.action_masks=false (masks are ignored), or true "
            f"(each observation is followed by its mask)"
        )


def _check_evaluation(config: Config, in_subprocess: bool) -> None:
    from dqn_exp.envs import check_evaluation_environment

    try:
        check_evaluation_environment(config.env, config.evaluation_env(), in_subprocess)
    except ConfigError as error:
        raise ConfigError(f"evaluation.env.kwargs={config.evaluation.env.kwargs}: {error}") from error


def check_trackers(config: Config) -> None:
    """Raise ConfigError if a tracker is unknown, its package is missing, or its options are invalid."""
    for name in config.track:
        _check_tracker(name, json.dumps(config.tracking.get(name, {}), sort_keys=True))


@cache
def _check_tracker(name: str, options: str) -> None:
    build_tracker(name, json.loads(options))


def check_parts(config: Config) -> None:
    """Build the parts of a resolved configuration, if building them might fail; raises ConfigError.

    Built-in parts cannot fail, so configurations with only these need no import of torch.
    """
    special = config.imports or config.network.options
    if not special and config.device != "cuda":
        return
    without_seed = config.model_copy(update={"seed": 0})
    if without_seed.hash() not in _built:
        _build(without_seed)
        _built.add(without_seed.hash())


_built: set[str] = set()
"""The hashes of configurations whose parts have been built."""


def _build(config: Config) -> None:
    from dqn_exp.training import build_run

    try:
        build_run(config).close()
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(f"the parts cannot be built: {type(error).__name__}: {error}") from error
