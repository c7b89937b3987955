"""Shared helpers: configurations as the command line makes them, and trials that run to their end."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from dqn_exp.agent.dqn import DQN
from dqn_exp.config.paths import CONF
from dqn_exp.config.schema import Config
from dqn_exp.envs import Step
from dqn_exp.plan.planner import plain_values
from dqn_exp.plan.preflight import resolve_config
from dqn_exp.training.run import Event, Run, build_run, train

GROUPS = (
    "agent",
    "network",
    "network/head",
    "env",
    "replay",
    "optimizer",
    "exploration",
    "target",
    "experiment",
)


@cache
def _compose(groups: tuple[str, ...]) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", list(groups))


def make_values(**settings: Any) -> dict[str, Any]:
    """The composed values of conf/ with `settings`: replay="prioritised", budget__env_steps=500."""
    groups = tuple(f"{key}={value}" for key, value in settings.items() if key in GROUPS)
    composed = copy.deepcopy(_compose(groups))
    for key, value in settings.items():
        if key not in GROUPS:
            OmegaConf.update(composed, key.replace("__", "."), value, force_add=True)
    return plain_values(composed)


PLAIN: dict[str, Any] = {
    "target": "episodes",
    "buffer": 20_000,
    "batch": 128,
    "train_every": 1,
    "lr": 1e-3,
    "gamma": 0.99,
    "budget__env_steps": 50_000,
    "evaluation__every_steps": None,
}
"""What tests may rely on, whatever the defaults of conf/ become: each step trains, nothing evaluates."""


def make_config(**settings: Any) -> Config:
    """A checked configuration: PLAIN, or what an experiment says, but for `settings`."""
    plain = {} if "experiment" in settings else PLAIN
    return resolve_config(make_values(**{**plain, **settings}))


def gymnasium_env(environment_id: str) -> dict[str, Any]:
    """The settings that choose an environment by its gymnasium id."""
    return {"env": "gymnasium", "env__id": environment_id, "convergence__threshold": float("inf")}


def run(config: Config) -> tuple[Run, list[Event]]:
    """The trial of `config` after its last step, and all that happened."""
    trial = build_run(config)
    return trial, list(train(trial))


def dqn(trial: Run) -> DQN:
    """The agent of `trial`, which is a DQN."""
    assert isinstance(trial.agent, DQN)
    return trial.agent


def weights(trial: Run, part: str = "online.") -> dict[str, torch.Tensor]:
    """A copy of the learner's arrays whose names start with `part` ("" for all), without that prefix."""
    arrays = dqn(trial).learner.arrays().items()
    return {k.removeprefix(part): v.clone() for k, v in arrays if k.startswith(part)}


def one_step(
    observation: np.ndarray,
    action: int,
    reward: float,
    next_observation: np.ndarray,
    terminated: bool = False,
    truncated: bool = False,
) -> Step:
    """A step of one environment."""
    rows, next_rows = observation[np.newaxis], next_observation[np.newaxis]
    return Step(rows, np.array([action]), [reward], next_rows, [terminated], [truncated], [])


def spaces_of(observed: int, n_actions: int) -> tuple[spaces.Box, spaces.Discrete]:
    """Of vectors of so many numbers, and so many actions."""
    return spaces.Box(-1, 1, (observed,), np.float32), spaces.Discrete(n_actions)


def snapshot(state: Any) -> Any:
    """A copy of nested state that NumPy can compare: tensors as arrays."""
    match state:
        case dict():
            return {key: snapshot(value) for key, value in state.items()}
        case list() | tuple():
            return [snapshot(value) for value in state]
        case torch.Tensor():
            return state.numpy().copy()
    return copy.deepcopy(state)


def same_bits(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(v, second[k]) for k, v in first.items())
