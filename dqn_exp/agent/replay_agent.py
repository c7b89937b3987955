"""A base for agents of one's own: what every agent with a torch network and a replay buffer needs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn

from dqn_exp.agent.agent import Diverged, Learned
from dqn_exp.agent.dqn import clamped
from dqn_exp.agent.exploration import build_exploration
from dqn_exp.agent.randomness import TorchStream, is_plain
from dqn_exp.clock import Clock, multiples_reached
from dqn_exp.config import Config
from dqn_exp.envs import Step
from dqn_exp.masks import MaskedBox
from dqn_exp.networks import build_network, choice_values, noise, noisy_layers
from dqn_exp.replay import Sample, build_replay
from dqn_exp.seeding import Streams


class Trainable(Protocol):
    """A network or an optimiser."""

    def state_dict(self) -> Mapping[str, Any]: ...

    def load_state_dict(self, state_dict: Any, /) -> Any: ...


class ReplayAgent:
    """Explores, stores its transitions and says when to learn; a subclass defines `learn` and `scalars`.

    It trains on the CPU and follows the sections `network`, `replay` and `exploration` of the configuration,
    and `train_every`, `agent.learning_starts`, `agent.updates_per_train`, `agent.max_abs_reward` and
    `metrics.loss_every`.
    """

    keys: tuple[str, ...] = ("learning_starts", "updates_per_train", "max_abs_reward")
    """The keys of the section `agent` that the agent reads besides `options`."""
    scalars: Sequence[str]
    """The names of the numbers that `learn` returns: columns of `losses.csv`."""

    def __init__(
        self,
        config: Config,
        observations: spaces.Box,
        actions: spaces.Discrete,
        n_environments: int,
        streams: Streams,
        clock: Clock,
    ) -> None:
        self.config, self.clock = config, clock
        self.network: nn.Module = build_network(
            config.network, observations, actions, streams.integer("network")
        )
        self.replay = build_replay(
            config.replay, observations, n_environments, config.gamma, streams.generator("replay")
        )
        self.exploration = build_exploration(
            config.exploration,
            int(actions.n),
            streams.generator("exploration"),
            clock,
            masked=isinstance(observations, MaskedBox),
        )
        self._noisy_layers, self._is_plain = noisy_layers(self.network), is_plain(self.network)
        self._stream = TorchStream(streams.integer("learner"))
        self.parts: dict[str, Trainable] = {"network": self.network}
        """The networks and optimisers in a checkpoint; a subclass adds its own."""

    def learn(self, sample: Sample) -> Sequence[float]:
        """Make one update from a sample of the replay buffer; returns the numbers of `scalars`.

        Noisy layers of `self.network` apply their noise here. What torch draws at random is repeated when a
        trial continues after a stop.
        An agent for prioritised replay uses `sample.weights` and calls `self.replay.learned`.
        """
        raise NotImplementedError

    def batch(self, sample: Sample) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Observations [B, ...], actions [B], rewards [B], next observations and discounts [B]."""
        before, action, reward, after, discount = (
            torch.from_numpy(column.take(sample.indices, axis=0)) for column in self.replay.transitions
        )
        return before, action, reward, after, discount

    @property
    def epsilon(self) -> float:
        return self.exploration.epsilon

    def act(self, observations: np.ndarray) -> np.ndarray:
        with self._own_draws():
            return self.exploration.explore(observations, self.greedy)

    @contextmanager
    def _own_draws(self) -> Iterator[None]:
        """Inside the context, noisy layers apply their noise, and torch draws from the agent's own stream."""
        if self._is_plain:
            yield
            return
        with self._stream.drawn_from(advance=True), noise(self._noisy_layers):
            yield

    @torch.no_grad()
    def greedy(self, observations: np.ndarray) -> np.ndarray:
        values = choice_values(self.network, torch.from_numpy(observations))
        best: np.ndarray = values.argmax(1).numpy()
        return best

    def observe(self, step: Step) -> list[Learned]:
        """Store the step and make the updates that are due."""
        agent, every, now = self.config.agent, self.config.train_every, self.clock.env_steps
        self.replay.add(step if agent.max_abs_reward is None else clamped(step, agent.max_abs_reward))
        if now < agent.learning_starts or len(self.replay) < self.replay.batch_size:
            return []
        times_due = multiples_reached(every, now, len(step.action))
        learned: list[Learned] = []
        for _ in range(times_due * agent.updates_per_train):
            self._update(learned)
        return learned

    def _update(self, learned: list[Learned]) -> None:
        sample = self.replay.sample()
        with self._own_draws():
            numbers = self.learn(sample)
        self.clock.updates += 1
        update = self.clock.updates
        infinite = [name for name, n in zip(self.scalars, numbers, strict=True) if not math.isfinite(n)]
        if infinite or update % self.config.metrics.loss_every == 0:
            learned.append(Learned(update, numbers))
        if infinite:
            raise Diverged(f"{', '.join(infinite)} became infinite or NaN at update {update}", learned)

    def start_from(self, network: nn.Module) -> None:
        self.network.load_state_dict(network.state_dict())

    def state(self) -> dict[str, Any]:
        state = {
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
            "replay": self.replay.state(),
            "exploration": self.exploration.state(),
        }
        return state if self._is_plain else {**state, "random": self._stream.state}

    def load_state(self, state: dict[str, Any]) -> None:
        for name, part in self.parts.items():
            part.load_state_dict(state["parts"][name])
        self.replay.load_state(state["replay"])
        self.exploration.load_state(state["exploration"])
        if not self._is_plain:
            self._stream.state = state["random"]
