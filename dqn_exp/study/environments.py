"""Studies over several environments: read them, and check that their scores can be compared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from omegaconf import DictConfig, OmegaConf

from dqn_exp.config import Config, ConfigError, unknown
from dqn_exp.study.space import ENVIRONMENT, Space

OVER = "objective.over"
CHOOSES = (ENVIRONMENT, "env.id")
"""Keys that choose an environment."""
OF_ONE = (*CHOOSES, "env.threshold", "convergence.threshold")
"""Keys that apply to one environment only, as do those below `returns`."""


def read_environments(config: DictConfig, options: Sequence[str]) -> tuple[str, ...]:
    """The environments, as `options` of env=, that every proposal trains on; empty for the one of env=.

    Raises ConfigError if one is unknown or occurs twice.
    """
    given = OmegaConf.to_container(config.objective)["over"]  # type: ignore[call-overload, index]
    if not isinstance(given, list):
        raise ConfigError(f"{OVER}={given}: allowed: a list, such as {OVER}=[cartpole,acrobot], or []")
    names = tuple(map(str, given))
    for name in names:
        if name not in options:
            raise unknown(OVER, name, options)
    if len(set(names)) < len(names):
        raise ConfigError(f"{_written(names)}: allowed: each environment once")
    return names


def refuse_choice(keys: Iterable[str], environments: Sequence[str]) -> None:
    """Raise ConfigError if a search of these `keys` would choose among environments."""
    for key in (key.lstrip("+") for key in keys):
        if key in CHOOSES and environments:
            raise ConfigError(
                f"{_written(environments)} trains every proposal on all of these environments, and a search "
                f"of {key} would choose among them; allowed: {OVER} without {key}"
            )
        if key in CHOOSES:
            raise ConfigError(
                f"{key} is searched, but a study cannot choose among environments: their returns have no "
                f"common scale; allowed: one value, or {OVER}=[cartpole,acrobot] to train proposals on all"
            )


def refuse_single_environment_keys(space: Space, master: DictConfig, environments: Sequence[str]) -> None:
    """Raise ConfigError if a key that applies to one environment is set for all `environments`."""
    fixed = dict(text.lstrip("+").split("=", 1) for text in space.fixed)
    threshold = master.convergence.threshold
    given = fixed | dict.fromkeys(space.written, "...")
    given |= {} if threshold is None else {"convergence.threshold": str(threshold)}
    for key, value in given.items():
        if environments and (key in OF_ONE or key.startswith("returns.")):
            raise ConfigError(
                f"{key}={value} applies to one environment only, and {_written(environments)} has "
                f"{len(environments)}; allowed: without {key}, which conf/env/ gives for each"
            )


def check_scales(defaults: Mapping[str, Config]) -> None:
    """Raise ConfigError if one of several environments lacks an end of the common scale.

    `defaults`: the configuration of each environment, by the environment's name.
    """
    for name, config in defaults.items():
        random_play, threshold = config.returns.random, config.convergence.threshold
        if random_play is None:
            raise ConfigError(
                f"{OVER}: {name} has no returns.random, but scores need a scale from random play (0) to the "
                f"threshold (1); allowed: environments whose conf/env/NAME.yaml gives it"
            )
        if threshold is None or not random_play < threshold < math.inf:
            raise ConfigError(
                f"{OVER}: {name} has returns.random={random_play:g} and a threshold of {threshold}; "
                f"allowed: a finite threshold above what random play earns"
            )


def _written(environments: Sequence[str]) -> str:
    return f"{OVER}=[{','.join(environments)}]"
