"""One training run: an agent acts in its environments and learns; what happens is yielded as events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dqn_exp.agent import Agent, Diverged, Learned, build_agent
from dqn_exp.clock import Clock
from dqn_exp.config import Config, EvaluationConfig
from dqn_exp.envs import Step, VectorEnvironment, make_environments, play
from dqn_exp.seeding import Streams
from dqn_exp.training.evaluate import Score, evaluate


@dataclass(frozen=True)
class EpisodeEnded:
    """A training episode is over."""

    total_return: float
    length: int
    epsilon: float
    measures: dict[str, float]
    number: int
    """Number of the episode in the trial, from 1. Episodes that end in the same step follow one another."""


@dataclass(frozen=True)
class Evaluated:
    """A greedy evaluation during training."""

    score: Score


Event = EpisodeEnded | Evaluated | Learned


@dataclass
class Run:
    """A trial in training: the agent, the environments, the clock, and the state of all of them together."""

    config: Config
    clock: Clock
    env: VectorEnvironment
    evaluation_env: VectorEnvironment
    agent: Agent
    at_rest: bool = True
    """Whether all events of the latest step have been yielded. `state()` is valid only then."""
    stopped: bool = False
    cause: str | None = None
    """Why the training was stopped; None if it was not, or without a reason."""
    status: str = "exhausted"
    """The status of the trial if it ends now and has not diverged."""

    def stop(self, cause: str | None = None) -> None:
        """End the training after all events of the current step. The first `cause` is recorded."""
        self.stopped = True
        self.cause = self.cause or cause

    def is_over(self) -> bool:
        return self.stopped or self.clock.spent(self.config.budget)

    def progress(self) -> tuple[int, ...]:
        """Numbers that change with every step, in training and in greedy episodes."""
        return self.clock.env_steps, self.clock.updates, *self.evaluation_env.progress

    def evaluate(self, episodes: int) -> Score:
        self.evaluation_env.use_statistics(self.env.statistics())
        return evaluate(self.evaluation_env, self.agent.greedy, episodes)

    def state(self) -> dict[str, Any]:
        """Nested plain values, arrays and tensors; valid if `at_rest`."""
        return {
            "clock": self.clock.state(),
            "env": self.env.state(),
            "evaluation_env": self.evaluation_env.state(),
            "agent": self.agent.state(),
        }

    def load_state(self, state: dict[str, Any]) -> bool:
        """Restore `state`; False if an environment could not be restored exactly."""
        self.clock.load_state(state["clock"])
        self.agent.load_state(state["agent"])
        trained = self.env.load_state(state["env"])
        evaluated = self.evaluation_env.load_state(state["evaluation_env"])
        return trained and evaluated

    def close(self) -> None:
        self.env.close()
        self.evaluation_env.close()


def build_run(config: Config) -> Run:
    """Build the parts of a resolved configuration. Each part has its own random streams."""
    streams, clock = Streams(config.seed), Clock()
    env = make_environments(config.env, streams.episodes("environment"))
    evaluation_env = make_environments(config.evaluation_env(), streams.episodes("evaluation"))
    agent = build_agent(config, env.observation_space, env.action_space, len(env), streams, clock)
    return Run(config, clock, env, evaluation_env, agent)


def train(run: Run) -> Iterator[Event]:
    """Let the agent act and learn until the budget is spent or the run is stopped; yield what happens.

    Raises Diverged if a loss or Q-value leaves the finite range.
    """
    clock, agent, evaluation = run.clock, run.agent, run.config.evaluation
    for step in play(run.env, agent.act, run.is_over):
        clock.env_steps += len(step.action)
        clock.episodes += len(step.ended)
        try:
            learned = agent.observe(step)
        except Diverged as divergence:
            run.at_rest = False
            yield from divergence.learned
            raise
        clock.learning_episodes += len(step.ended) if clock.updates else 0
        is_due = _evaluation_is_due(evaluation, clock, step)
        if learned or is_due or step.ended:
            yield from _tell(run, step, learned, is_due)


def _tell(run: Run, step: Step, learned: Sequence[Learned], is_due: bool) -> Iterator[Event]:
    """Yield all events of a step; the run is at rest when the last one is yielded."""
    events: list[Event] = [*learned]
    if is_due:
        events.append(Evaluated(run.evaluate(run.config.evaluation.episodes)))
    first = run.clock.episodes - len(step.ended) + 1
    for number, (_, total_return, length, measures) in enumerate(step.ended, start=first):
        events.append(EpisodeEnded(total_return, length, run.agent.epsilon, measures, number))
    for count, event in enumerate(events, start=1):
        run.at_rest = count == len(events)
        yield event


def _evaluation_is_due(config: EvaluationConfig, clock: Clock, step: Step) -> bool:
    """Whether the steps or the episodes reached or passed a multiple of their period in this step."""
    by_steps, by_episodes, now = config.every_steps, config.every_episodes, clock.env_steps
    if by_steps and now % by_steps < len(step.action):
        return True
    ended, episodes = len(step.ended), clock.episodes
    return bool(by_episodes and episodes % by_episodes < ended)
