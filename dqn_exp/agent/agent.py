"""The interface of an agent, the part of a run that acts and learns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from gymnasium import spaces
from torch import nn

from dqn_exp.clock import Clock
from dqn_exp.config import Config
from dqn_exp.envs import Step
from dqn_exp.registry import agents
from dqn_exp.seeding import Streams


class Learned(NamedTuple):
    """The statistics of one recorded update; `scalars` is in the order of the agent's `scalars`."""

    update: int
    scalars: Sequence[float]


class Diverged(ArithmeticError):
    """The loss is not finite, or a Q-value is too large. This is an outcome of the trial, not a failure.

    `learned`: the updates recorded in this step, including the update that diverged.
    """

    def __init__(self, cause: str, learned: Sequence[Learned] = ()) -> None:
        super().__init__(cause)
        self.learned = learned


class Agent(Protocol):
    """Acts in N environments at once and learns from the resulting transitions."""

    network: nn.Module
    """Maps observations [B, ...] to values float32[B, A]. Written to disk when training ends."""
    scalars: Sequence[str]
    """Names of the statistics of an update: the columns of `losses.csv` after those of the clock."""
    epsilon: float
    """The probability of a random action at the latest step."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Actions int64[N] for observations [N, ...] during training, with exploration."""

    def greedy(self, observations: np.ndarray) -> np.ndarray:
        """The best known actions int64[N], without exploration; draws from no random stream of training."""

    def observe(self, step: Step) -> Sequence[Learned]:
        """Store a step of each environment and make the updates that are due; count them on the clock.

        The clock's steps and episodes already include this step. Raises Diverged.
        """

    def start_from(self, network: nn.Module) -> None:
        """Copy the weights of a trained network of the same shape, before any training."""

    def state(self) -> dict[str, Any]:
        """The state as nested plain values, arrays and tensors; valid between steps."""

    def load_state(self, state: dict[str, Any]) -> None: ...


def build_agent(
    config: Config,
    observations: spaces.Box,
    actions: spaces.Discrete,
    n_environments: int,
    streams: Streams,
    clock: Clock,
) -> Agent:
    """Build the agent that `agent.name` names, for `n_environments` at once."""
    agent: Agent = agents[config.agent.name](config, observations, actions, n_environments, streams, clock)
    return agent
