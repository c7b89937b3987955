"""The evidence about a trial: the records of its training, and rollouts of its network."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from analysis.network.rollouts import roll_out
from analysis.records import Curve, read_curve, read_trial
from dqn_exp.config import Config
from dqn_exp.networks import CNN, MLP, HeadedNetwork
from dqn_exp.runs import NETWORK
from dqn_exp.trained import AT_A_TIME, Trained, load_config, load_trained

EPISODES = 5
"""Number of episodes that are played with epsilon 0, and again with epsilon 1."""


@dataclass(frozen=True)
class VisitedStates:
    """The network's output at N states, visited by its greedy policy and by random actions."""

    values: np.ndarray
    """float32[N, A]: Q-values."""
    greedy: np.ndarray
    """int64[N]: the allowed action with the largest Q-value."""
    hidden: list[np.ndarray]
    """float32[N, H] of each ReLU layer; empty if the network is neither an MLP nor a CNN."""
    rewards: np.ndarray
    """float64[N]: rewards as used for learning."""
    first_action: int = 0
    """The environment's own number of action 0."""


@dataclass(frozen=True)
class Evidence:
    config: Config
    status: str
    result: Mapping[str, Any]
    """The content of result.json; for a trial that did not end, with the clock of its last episode."""
    episodes: Curve
    evaluations: Curve
    losses: Curve
    visited: VisitedStates | None
    """None if there is no network yet."""

    @property
    def env_steps(self) -> int:
        return int(self.result.get("env_steps") or 0)

    @property
    def updates(self) -> int:
        return int(self.result.get("updates") or 0)


def gather(directory: Path, best: bool, imports: bool) -> Evidence:
    """Read a trial and play its network. Raises ConfigError if it cannot be read."""
    config = load_config(directory, imports)
    trial = read_trial(directory, directory)
    curves = {kind: read_curve(trial, kind, []) or {} for kind in ("episodes", "evaluations", "losses")}
    has_network = best or (directory / NETWORK).exists()
    visited = look(load_trained(directory, best, imports)) if has_network else None
    return Evidence(config, trial.status, trial.result, **curves, visited=visited)


def look(trained: Trained) -> VisitedStates:
    """Play greedy and random episodes, and evaluate the network at the visited states."""
    rollouts = [roll_out(trained, epsilon, EPISODES) for epsilon in (0.0, 1.0)]
    limit = trained.config.agent.max_abs_reward or np.inf
    return VisitedStates(
        np.concatenate([rollout.values for rollout in rollouts]),
        np.concatenate([rollout.greedy for rollout in rollouts]),
        _hidden(trained.network, np.concatenate([rollout.observations for rollout in rollouts])),
        np.concatenate([rollout.rewards for rollout in rollouts]).clip(-limit, limit),
        trained.first_action,
    )


def _hidden(network: nn.Module, observations: np.ndarray) -> list[np.ndarray]:
    """Activations [N, H] of each ReLU layer below the head; for a convolution, the largest per channel."""
    inner = network.network if isinstance(network, HeadedNetwork) else network
    if not isinstance(inner, MLP | CNN):
        return []
    hidden: list[list[Tensor]] = []
    with ExitStack() as hooks, torch.inference_mode():
        for module in inner.modules():
            if isinstance(module, nn.ReLU):
                hook = module.register_forward_hook(lambda *passed: hidden[-1].append(_by_unit(passed[-1])))
                hooks.callback(hook.remove)
        for batch in torch.split(torch.from_numpy(observations), AT_A_TIME):
            hidden.append([])
            inner(batch)
    return [torch.cat(layer).numpy() for layer in zip(*hidden, strict=True)]


def _by_unit(activations: Tensor) -> Tensor:
    """Activations [N, H]; channels [N, H, height, width] are reduced to their largest activation."""
    return activations.flatten(2).amax(2) if activations.ndim > 2 else activations
