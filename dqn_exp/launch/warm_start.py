"""May training start from another trial's network? Asked before training, without loading it."""

from __future__ import annotations

from pathlib import Path

from dqn_exp.config import Config, ConfigError, EnvConfig, NetworkConfig, recorded_config
from dqn_exp.runs import NETWORK, read_json

Shape = tuple[NetworkConfig, tuple[int, ...], int]
"""Of a network: its section but for its first weights, shape of an observation, number of actions."""
FIRST_WEIGHTS = {"init": "default", "init_scale": 0.5, "noisy_sigma": 0.5}
"""What says how a network begins, and nothing about what fits into it."""


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
    return network.model_copy(update=FIRST_WEIGHTS), observed, int(environment.action_space.n)


def _describe(shape: Shape) -> str:
    network, observed, actions = shape
    parts = [key for key in ("layer_norm", "dueling", "noisy") if getattr(network, key)]
    head = network.head.model_dump()
    parts += [f"head={head.pop('name')}", *(f"{key}={value}" for key, value in head.items())]
    numbers = " x ".join(map(str, observed))
    layers = f"{network.name} {network.hidden} {network.activation} {' '.join(parts)}"
    return f"{layers} for {numbers} numbers observed and {actions} actions"
