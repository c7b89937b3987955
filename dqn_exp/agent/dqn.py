"""Deep Q-learning with experience replay (Mnih et al. 2015, algorithm 1)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from gymnasium import spaces
from torch import nn

from dqn_exp.agent.agent import Diverged, Learned
from dqn_exp.agent.exploration import Exploration, build_exploration
from dqn_exp.agent.learner import Learner, build_learner
from dqn_exp.agent.target import TargetUpdate
from dqn_exp.clock import Clock, multiples_reached
from dqn_exp.config import Config
from dqn_exp.envs import EnvironmentFault, Step
from dqn_exp.masks import MaskedBox
from dqn_exp.networks import build_network
from dqn_exp.replay import Replay, build_replay
from dqn_exp.seeding import Streams


class DQN:
    """Acts epsilon-greedily on the online network and learns from batches of its replay buffer."""

    scalars = ("loss", "grad_norm", "q_mean", "q_max")

    def __init__(
        self,
        config: Config,
        learner: Learner,
        replay: Replay,
        target: TargetUpdate,
        exploration: Exploration,
        clock: Clock,
    ) -> None:
        self.learner, self.replay, self.exploration = learner, replay, exploration
        self._target, self._clock = target, clock
        self._starts, self._every = config.agent.learning_starts, config.train_every
        self._updates = config.agent.updates_per_train
        self._max_abs_reward = config.agent.max_abs_reward
        self._env_name = f"env.id={config.env.id}"
        self._looked_at_every, self._max_abs_q = config.metrics.loss_every, config.divergence.max_abs_q

    @property
    def network(self) -> nn.Module:
        return self.learner.network

    @property
    def epsilon(self) -> float:
        return self.exploration.epsilon

    def act(self, observations: np.ndarray) -> np.ndarray:
        return self.exploration.explore(observations, self.learner.act)

    def greedy(self, observations: np.ndarray) -> np.ndarray:
        return self.learner.greedy(observations)

    def observe(self, step: Step) -> Sequence[Learned]:
        """Store the step, then make the updates that are due and update the target network if that is due."""
        replay, every, now = self.replay, self._every, self._clock.env_steps
        replay.add(step if self._max_abs_reward is None else clamped(step, self._max_abs_reward))
        times_due = multiples_reached(every, now, len(step.action))
        learned: Sequence[Learned] = ()
        if times_due and now >= self._starts and len(replay) >= replay.batch_size:
            learned = self._learn(times_due * self._updates)
        self._target.after(step, self._clock)
        return learned

    def _learn(self, n_updates: int) -> list[Learned]:
        clock, learner, replay = self._clock, self.learner, self.replay
        learned: list[Learned] = []
        for _ in range(n_updates):
            sample = replay.sample()
            loss = learner.update(replay.transitions, sample.indices, sample.weights)
            clock.updates += 1
            is_finite = math.isfinite(loss) and learner.largest_value <= self._max_abs_q
            if not is_finite or clock.updates % self._looked_at_every == 0:
                learned.append(Learned(clock.updates, (loss, *learner.statistics())))
            if not is_finite:
                self._refuse_faulty_observations()
                raise Diverged(f"{self._divergence_cause(loss)} at update {clock.updates}", learned)
            replay.learned(sample, learner.td_errors)
        return learned

    def _refuse_faulty_observations(self) -> None:
        """Raise EnvironmentFault if the replay buffer holds an observation that is not finite."""
        not_finite = self.replay.oldest_not_finite()
        if not_finite is not None:
            rows_ago, value = not_finite
            step = self._clock.env_steps - rows_ago
            raise EnvironmentFault(f"{self._env_name} returned {value} in its observation at step {step}")

    def _divergence_cause(self, loss: float) -> str:
        """The cause of the divergence in the latest update, in words."""
        if not math.isfinite(loss):
            return f"the loss became {loss}"
        return f"|Q| reached {self.learner.largest_value:.3g}"

    def start_from(self, network: nn.Module) -> None:
        self.network.load_state_dict(network.state_dict())
        self.learner.sync_target(1.0)

    def state(self) -> dict[str, Any]:
        return {
            "learner": self.learner.arrays(),
            "replay": self.replay.state(),
            "exploration": self.exploration.state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        self.learner.load_arrays(state["learner"])
        self.replay.load_state(state["replay"])
        self.exploration.load_state(state["exploration"])


def clamped(step: Step, limit: float) -> Step:
    """`step` with rewards clipped to [-limit, limit]: games score in different units (Mnih et al. 2015)."""
    return replace(step, reward=[max(-limit, min(limit, reward)) for reward in step.reward])


def build_dqn(
    config: Config,
    observations: spaces.Box,
    actions: spaces.Discrete,
    n_environments: int,
    streams: Streams,
    clock: Clock,
) -> DQN:
    """Build a DQN and all its parts from the configuration."""
    network = build_network(config.network, observations, actions, streams.integer("network"))
    learner = build_learner(config, network, streams.integer("learner"), observations)
    replay = build_replay(
        config.replay, observations, n_environments, config.gamma, streams.generator("replay")
    )
    target = TargetUpdate(config.target, learner.sync_target)
    exploration = build_exploration(
        config.exploration,
        int(actions.n),
        streams.generator("exploration"),
        clock,
        masked=isinstance(observations, MaskedBox),
    )
    return DQN(config, learner, replay, target, exploration, clock)
