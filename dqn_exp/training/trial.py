"""One training run: the collaborators of a trial, and DQN as an iterator of events."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dqn_exp.agent import Learner, TargetUpdate, build_learner, build_schedule
from dqn_exp.clock import Clock
from dqn_exp.config import Config, EvaluationConfig
from dqn_exp.envs import make_environment
from dqn_exp.networks import build_network
from dqn_exp.replay import Replay, build_replay
from dqn_exp.seeding import Streams, generator_state, load_generator_state
from dqn_exp.training.evaluate import Score, evaluate


@dataclass(frozen=True)
class EpisodeEnded:
    """A training episode is over; the trial's state can be saved here."""

    total_return: float
    length: int
    epsilon: float
    measures: dict[str, float]


@dataclass(frozen=True)
class Evaluated:
    """A greedy evaluation during training."""

    score: Score


@dataclass(frozen=True)
class LossSampled:
    """One update in so many."""

    loss: float
    grad_norm: float
    q_mean: float
    q_max: float


Event = EpisodeEnded | Evaluated | LossSampled


class Diverged(ArithmeticError):
    """Learning has left the finite: an outcome of the trial, not an accident."""


class Trial:
    """The collaborators of one trial, built from its configuration, and their joint state."""

    def __init__(self, config: Config) -> None:
        streams = Streams(config.seed)
        self.config = config
        self.clock = Clock()
        self.env = make_environment(config.env, streams.integer("environment"))
        self.evaluation_env = make_environment(config.evaluation_env(), streams.integer("evaluation"))
        network = build_network(
            config.network,
            self.env.observation_size,
            self.env.n_actions,
            streams.integer("network"),
        )
        self.learner: Learner = build_learner(config, network)
        self.replay: Replay = build_replay(
            config.replay, self.env.observation_size, config.gamma, streams.generator("replay")
        )
        self.target = TargetUpdate(config.target, self.learner.sync_target)
        self.schedule, self.schedule_clock = build_schedule(config.exploration)
        self.exploration = streams.generator("exploration")

    def epsilon(self) -> float:
        return self.schedule(getattr(self.clock, self.schedule_clock))

    def act(self, observation: np.ndarray, epsilon: float) -> int:
        """Epsilon-greedy action."""
        if self.exploration.random() < epsilon:
            return int(self.exploration.integers(self.env.n_actions))
        return self.greedy(observation)

    def greedy(self, observation: np.ndarray) -> int:
        """The action of the largest Q-value for one observation float32[D]."""
        return int(self.learner.greedy(observation[np.newaxis])[0])

    def evaluate(self, episodes: int) -> Score:
        return evaluate(self.evaluation_env, self.greedy, episodes)

    def state(self) -> dict[str, Any]:
        """All but the arrays, as plain JSON values; valid when an episode has ended."""
        return {
            "clock": self.clock.state(),
            "env": self.env.state(),
            "evaluation_env": self.evaluation_env.state(),
            "replay": self.replay.state(),
            "exploration": generator_state(self.exploration),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        self.clock.load_state(state["clock"])
        self.env.load_state(state["env"])
        self.evaluation_env.load_state(state["evaluation_env"])
        load_generator_state(self.exploration, state["exploration"])

    def close(self) -> None:
        self.env.close()
        self.evaluation_env.close()


def train(trial: Trial) -> Iterator[Event]:
    """Deep Q-learning with experience replay (Mnih et al. 2015, algorithm 1) until the budget is spent.

    Raises Diverged where the loss or a Q-value leaves the finite range.
    """
    config, clock, env, replay = trial.config, trial.clock, trial.env, trial.replay
    starts, batch_size = config.agent.learning_starts, config.replay.batch_size
    while not clock.spent(config.budget):
        observation = env.reset()
        total_return, length, ended = 0.0, 0, False
        while not ended and not clock.spent(config.budget):
            epsilon = trial.epsilon()
            action = trial.act(observation, epsilon)
            next_observation, reward, terminated, truncated = env.step(action)
            replay.add(observation, action, reward, next_observation, terminated, truncated)
            observation = next_observation
            total_return += reward
            length += 1
            clock.env_steps += 1
            ended = terminated or truncated
            due = clock.env_steps % config.train_every == 0 and clock.env_steps >= starts
            if due and len(replay) >= batch_size:
                yield from learn(trial)
            trial.target.after_step(clock.env_steps)
            if ended:
                clock.episodes += 1
                clock.learning_episodes += clock.updates > 0
                trial.target.after_episode(clock.episodes)
            if _evaluation_due(config.evaluation, clock, ended):
                yield Evaluated(trial.evaluate(config.evaluation.episodes))
        if ended:
            yield EpisodeEnded(float(total_return), length, epsilon, env.measures())


def learn(trial: Trial) -> Iterator[LossSampled]:
    """The updates that are due now; yields the sampled ones."""
    config, clock, learner, replay = trial.config, trial.clock, trial.learner, trial.replay
    for _ in range(config.agent.updates_per_train):
        sample = replay.sample()
        loss = learner.update(replay.transitions, sample.indices, sample.weights)
        clock.updates += 1
        if not math.isfinite(loss):
            raise Diverged(f"the loss became {loss} at update {clock.updates}")
        replay.learned(sample, learner.td_errors)
        is_runaway = not learner.largest_value <= config.divergence.max_abs_q
        if is_runaway or clock.updates % config.metrics.loss_every == 0:
            yield LossSampled(loss, *learner.statistics())
        if is_runaway:
            raise Diverged(f"|Q| reached {learner.largest_value:.3g} at update {clock.updates}")


def _evaluation_due(config: EvaluationConfig, clock: Clock, ended: bool) -> bool:
    by_steps = config.every_steps and clock.env_steps % config.every_steps == 0
    by_episodes = config.every_episodes and ended and clock.episodes % config.every_episodes == 0
    return bool(by_steps or by_episodes)
