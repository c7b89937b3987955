"""What an agent is: the half of a run that acts and learns."""

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
    """An update that was looked at; `scalars` in the order of the agent's `scalars`."""

    update: int
    scalars: Sequence[float]


class Diverged(ArithmeticError):
    """Learning has left the finite: an outcome of the trial, not an accident.

    `learned`: what was looked at in this step, the update that diverged included.
    """

    def __init__(self, cause: str, learned: Sequence[Learned] = ()) -> None:
        super().__init__(cause)
        self.learned = learned


class Agent(Protocol):
    """Acts in N environments at once and learns from what comes of it."""

    network: nn.Module
    """What it has learned: float32[B, ...] to values float32[B, A]. Written when training ends."""
    scalars: Sequence[str]
    """Names of what an update tells: the columns of `losses.csv` behind the clock."""
    epsilon: float
    """The share of random actions when it acted last."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Actions int64[N] while training, for observations [N, ...]."""

    def greedy(self, observations: np.ndarray) -> np.ndarray:
        """The best known actions int64[N]; draws from no stream of training."""

    def observe(self, step: Step) -> Sequence[Learned]:
        """Remember a step of each environment and learn what is due; counts updates on the trial's clock.

        The clock's steps and episodes count this step already. Raises Diverged.
        """

    def start_from(self, network: nn.Module) -> None:
        """Take over the weights of a trained network of the same shape, before any training."""

    def state(self) -> dict[str, Any]:
        """Nested plain values, arrays and tensors; valid between steps."""

    def load_state(self, state: dict[str, Any]) -> None: ...


def build_agent(
    config: Config,
    observations: spaces.Box,
    actions: spaces.Discrete,
    n_environments: int,
    streams: Streams,
    clock: Clock,
) -> Agent:
    """The agent that `agent.name` names, acting in `n_environments` at once."""
    agent: Agent = agents[config.agent.name](config, observations, actions, n_environments, streams, clock)
    return agent
