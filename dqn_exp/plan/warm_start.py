"""Check before training that it can start from another trial's network, mostly without loading it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from gymnasium import spaces

from dqn_exp.config import Config, ConfigError, EnvConfig, NetworkConfig, recorded_config
from dqn_exp.runs import DESCRIPTION, NETWORK, read_description

FIRST_WEIGHTS = {"init": "default", "init_scale": 0.5, "noisy_sigma": 0.5}
"""Keys of a network's initial weights, with neutral values; they do not affect which weights fit."""

PARTS = tuple(
    key
    for key in NetworkConfig.model_fields
    if key not in ("name", "hidden", "activation", "options", *FIRST_WEIGHTS)
)
"""The keys that an error message names if two networks differ in them."""


class Shape(NamedTuple):
    """What must be equal in two networks so that one can take the weights of the other."""

    network: NetworkConfig
    """Without the keys of the initial weights, and without options, whose meaning only its own code knows."""
    observed: tuple[int, ...]
    """Shape of an observation."""
    actions: int


def check_init_from(config: Config) -> None:
    """Raise ConfigError if `init_from` is not a finished trial or its network does not fit.

    It may also be a zip file, a checkpoint of stable-baselines3.
    """
    if config.init_from is None:
        return
    if config.init_from.endswith(".zip"):
        _check_sb3(config)
        return
    directory = Path(config.init_from)
    for name in (DESCRIPTION, NETWORK):
        if not (directory / name).is_file():
            raise ConfigError(
                f"init_from={config.init_from}: it has no {name}; "
                f"allowed: the directory of a finished trial, or a zip file of stable-baselines3"
            )
    recorded, spaces_there = _recorded(directory)
    spaces_here = _spaces(config.env)
    theirs, ours = _shape(recorded.network, *spaces_there), _shape(config.network, *spaces_here)
    if theirs != ours:
        differing = [key for key in PARTS if getattr(theirs.network, key) != getattr(ours.network, key)]
        raise ConfigError(
            f"init_from={config.init_from}: its network is {_describe(theirs, differing)}; "
            f"this trial's is {_describe(ours, differing)}; allowed: a trial with an equal network"
        )
    if recorded.network.options != config.network.options:
        _check_weights(directory, recorded.network, config.network, *spaces_here)


def check_init_from_visible(configs: Iterable[Config], shares_files: bool) -> None:
    """Raise ConfigError if trials start from a network in a folder that their workers do not see."""
    unseen = next((config.init_from for config in configs if config.init_from is not None), None)
    if unseen is not None and not shares_files:
        raise ConfigError(
            f"init_from={unseen}: with hydra.launcher.shared=false workers cannot read this machine's "
            f"folders; allowed: hydra.launcher.shared=true, with a folder that all machines see"
        )


def _check_sb3(config: Config) -> None:
    from dqn_exp.networks import build_network
    from dqn_exp.runs import load_sb3

    network = build_network(config.network, *_spaces(config.env), seed=0)
    load_sb3(Path(str(config.init_from)), network, config.network)


def _recorded(directory: Path) -> tuple[Config, tuple[spaces.Box, spaces.Discrete]]:
    try:
        recorded = recorded_config(read_description(directory))
        return recorded, _spaces(recorded.env)
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"init_from={directory}: its {DESCRIPTION} cannot be used: {error}") from error


def _spaces(env: EnvConfig) -> tuple[spaces.Box, spaces.Discrete]:
    from dqn_exp.envs import make_environment

    environment = make_environment(env)
    environment.close()
    return environment.observation_space, environment.action_space


def _shape(network: NetworkConfig, observations: spaces.Box, actions: spaces.Discrete) -> Shape:
    compared = network.model_copy(update={**FIRST_WEIGHTS, "options": {}})
    return Shape(compared, observations.shape, int(actions.n))


def _check_weights(
    directory: Path,
    theirs: NetworkConfig,
    ours: NetworkConfig,
    observations: spaces.Box,
    actions: spaces.Discrete,
) -> None:
    """Raise ConfigError if different options give weights of different shapes."""
    from dqn_exp.networks import build_network
    from dqn_exp.runs import load_network

    try:
        load_network(directory / NETWORK, build_network(ours, observations, actions, seed=0))
    except ConfigError as error:
        raise ConfigError(
            f"init_from={directory}: its network has network.options={theirs.options}, this trial's "
            f"{ours.options}; {error}"
        ) from error


def _describe(shape: Shape, keys: list[str]) -> str:
    network, numbers = shape.network, " x ".join(map(str, shape.observed))
    parts = [f"network.{key}={_text(value)}" for key, value in network.model_dump(include={*keys}).items()]
    layers = " ".join([f"{network.name} {network.hidden} {network.activation}", *parts])
    return f"{layers} for observations of {numbers} numbers and {shape.actions} actions"


def _text(value: Any) -> str:
    """A value as typed; for a part with a name, the name with its other values in brackets."""
    if isinstance(value, dict):
        numbers = ", ".join(f"{key}={_text(number)}" for key, number in value.items() if key != "name")
        return f"{value['name']} ({numbers})" if numbers else str(value["name"])
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
