"""What a trial left behind that tells how its learning went, and what its network does now."""

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
from analysis.network.trained import AT_A_TIME, Trained, load_config, load_trained
from analysis.records import Curve, read_curve, read_trial
from dqn_exp.config import Config
from dqn_exp.networks import CNN, MLP, HeadedNetwork
from dqn_exp.runs import NETWORK

EPISODES = 5
"""Played with epsilon 0, and as many with epsilon 1."""


@dataclass(frozen=True)
class Seen:
    """The network at N states that it, and random actions, visited."""

    values: np.ndarray
    """float32[N, A]: Q-values."""
    greedy: np.ndarray
    """int64[N]: the allowed action of the largest Q-value."""
    hidden: list[np.ndarray]
    """float32[N, H] of each ReLU layer; empty where the network has none that we know."""
    rewards: np.ndarray
    """float64[N], as they are learned from."""
    first_action: int = 0
    """What the environment itself calls action 0."""


@dataclass(frozen=True)
class Evidence:
    config: Config
    status: str
    result: Mapping[str, Any]
    """As result.json says, with the clock of the last episode where it never ended."""
    episodes: Curve
    evaluations: Curve
    losses: Curve
    seen: Seen | None
    """None where there is no network yet."""

    @property
    def env_steps(self) -> int:
        return int(self.result.get("env_steps") or 0)

    @property
    def updates(self) -> int:
        return int(self.result.get("updates") or 0)


def gather(directory: Path, best: bool, imports: bool) -> Evidence:
    """Read a trial and play its network; raises AnalysisError where it cannot be read."""
    config = load_config(directory, imports)
    trial = read_trial(directory, directory)
    curves = {kind: read_curve(trial, kind, []) or {} for kind in ("episodes", "evaluations", "losses")}
    has_network = best or (directory / NETWORK).exists()
    seen = look(load_trained(directory, best, imports)) if has_network else None
    return Evidence(config, trial.status, trial.result, **curves, seen=seen)


def look(trained: Trained) -> Seen:
    """Play the network, and random actions, and see what it makes of the states."""
    rollouts = [roll_out(trained, epsilon, EPISODES) for epsilon in (0.0, 1.0)]
    observations = np.concatenate([rollout.observations for rollout in rollouts])
    greedy = np.concatenate([rollout.greedy for rollout in rollouts])
    limit = trained.config.agent.max_abs_reward or np.inf
    rewards = np.concatenate([rollout.rewards for rollout in rollouts]).clip(-limit, limit)
    hidden = _hidden(trained.network, observations)
    return Seen(trained.values(observations), greedy, hidden, rewards, trained.first_action)


def _hidden(network: nn.Module, observations: np.ndarray) -> list[np.ndarray]:
    """Activations [N, H] of each ReLU layer, whatever the head; of a convolution each channel's largest."""
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
    """[N, H]: of a channel [N, H, height, width] where it is largest."""
    return activations.flatten(2).amax(2) if activations.ndim > 2 else activations
