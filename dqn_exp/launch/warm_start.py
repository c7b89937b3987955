"""May training start from another trial's network? Asked before training, without loading it."""

from __future__ import annotations

from pathlib import Path

from dqn_exp.config import Config, ConfigError, EnvConfig, NetworkConfig, recorded_config
from dqn_exp.runs import NETWORK, read_json

Shape = tuple[str, list[int], str, tuple[int, ...], int]
"""Of a network: name, hidden layers, activation, shape of an observation, number of actions."""


def check_init_from(config: Config) -> None:
    """Raise ConfigError where `init_from` is no finished trial or its network would not fit."""
    if config.init_from is None:
        return
    directory = Path(config.init_from)
    for name in ("trial.json", NETWORK):
        if not (directory / name).is_file():
            raise ConfigError(
                f"init_from={config.init_from}: there is no {name}; "
                f"allowed: the directory of a finished trial"
            )
    theirs = _recorded(directory)
    ours = _shape(config.network, config.env)
    if theirs != ours:
        raise ConfigError(
            f"init_from={config.init_from}: its network is {_describe(theirs)}; "
            f"this trial's is {_describe(ours)}; allowed: a trial with an equal network"
        )


def _recorded(directory: Path) -> Shape:
    path = directory / "trial.json"
    try:
        recorded = recorded_config(read_json(path), str(path))
        return _shape(recorded.network, recorded.env)
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"init_from={directory}: its trial.json cannot be used: {error}") from error


def _shape(network: NetworkConfig, env: EnvConfig) -> Shape:
    from dqn_exp.envs import make_environment

    environment = make_environment(env)
    environment.close()
    observed = environment.observation_space.shape
    return (network.name, network.hidden, network.activation, observed, int(environment.action_space.n))


def _describe(shape: Shape) -> str:
    name, hidden, activation, observed, actions = shape
    numbers = " x ".join(map(str, observed))
    return f"{name} {hidden} {activation} for {numbers} numbers observed and {actions} actions"
