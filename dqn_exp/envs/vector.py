"""Several copies of one environment, stepped together: all arrays have a leading axis [N]."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dqn_exp.config import EnvConfig
from dqn_exp.envs.environment import Environment, make_environment
from dqn_exp.seeding import EpisodeSeeds

log = logging.getLogger(__name__)


class Episode(NamedTuple):
    """A finished episode."""

    environment: int
    total_return: float
    length: int
    measures: dict[str, float]


@dataclass(slots=True)  # one is made at each step: a named tuple takes twice as long
class Step:
    """The results of one action in each of N environments. The arrays are valid until the next step.

    If an episode ended, `next_observation` is its last observation, not the first of the next episode.
    `terminated` means that the return after this step counts as 0 for learning: the episode terminated, or
    a life was lost.
    """

    observation: np.ndarray  # [N, ...], of the observation space's dtype
    action: np.ndarray  # int64[N]
    reward: Sequence[float]  # [N]
    next_observation: np.ndarray  # likewise
    terminated: Sequence[bool]  # [N]
    truncated: Sequence[bool]  # [N]
    ended: Sequence[Episode]


class VectorEnvironment:
    """N environments, each of which begins a new episode when one is over.

    Each episode has its own seed and depends on nothing that happened before, so no generator's state is
    saved. The saved state of an unfinished episode is the list of its actions; loading it repeats them.
    """

    def __init__(self, environments: Sequence[Environment], seeds: EpisodeSeeds) -> None:
        first, n = environments[0], len(environments)
        self.observation_space, self.action_space = first.observation_space, first.action_space
        self.measure_names = first.measure_names
        self.render_modes, self.frames_per_second = first.render_modes, first.frames_per_second
        self._environments, self._seeds = environments, seeds
        shape, dtype = (n, *self.observation_space.shape), self.observation_space.dtype
        self._observations, self._spare = np.zeros(shape, dtype), np.zeros(shape, dtype)
        self._begun = [0] * n
        self._returns = [0.0] * n
        self._actions: list[list[int]] = [[] for _ in environments]
        self._remembered: list[list[Any]] = [[] for _ in environments]
        self._over = list(range(n))

    def __len__(self) -> int:
        return len(self._environments)

    @property
    def progress(self) -> tuple[int, ...]:
        """Numbers that change with every step: episodes begun, and the steps of each current episode."""
        return sum(self._begun), *map(len, self._actions)

    def observe(self) -> np.ndarray:
        """The observations [N, ...] to act on. Begins a new episode where one is over."""
        if self._over:
            for index in self._over:
                self._begin(index)
            self._over = []
        return self._observations

    def step(self, action: np.ndarray) -> Step:
        """Carry out the actions int64[N] for the latest observations."""
        before, after = self._observations, self._spare
        rewards: list[float] = []
        terminated: list[bool] = []
        truncated: list[bool] = []
        ended: list[Episode] = []
        for index, environment in enumerate(self._environments):
            chosen = action[index]
            after[index], reward, terminates, truncates = environment.step(chosen)
            rewards.append(reward)
            terminated.append(terminates or environment.lost_life)
            truncated.append(truncates)
            self._returns[index] += reward
            self._actions[index].append(chosen)
            if terminates or truncates:
                ended.append(self._end(index))
        self._observations, self._spare = after, before
        return Step(before, action, rewards, after, terminated, truncated, ended)

    def render(self) -> np.ndarray:
        """A picture of the current state of the first environment, uint8[height, width, 3]."""
        return self._environments[0].render()

    def state(self) -> dict[str, Any]:
        """The state of each environment; valid between steps."""
        return {
            "begun": list(self._begun),
            "over": list(self._over),
            "actions": [np.array(actions, np.int64) for actions in self._actions],
            "returns": list(self._returns),
            "observations": self._observations,
            "remembered": [
                _remembered(environment) if index in self._over else self._remembered[index]
                for index, environment in enumerate(self._environments)
            ],
        }

    def load_state(self, state: dict[str, Any]) -> bool:
        """Restore `state`; False if an environment did not repeat its episode exactly.

        The actions of the episode are repeated, and the observation and return are compared with the saved
        ones. If they differ, the environment keeps something between episodes that its seed does not
        determine. A new episode then begins in that environment.
        """
        over, is_exact = set(state["over"]), True
        for index, environment in enumerate(self._environments):
            _remember(environment, state["remembered"][index])
            self._begun[index] = state["begun"][index]
            self._observations[index] = state["observations"][index]
            self._forget(index)
            if index not in over and not self._repeat(index, state):
                log.warning("%s; a new episode begins", inexact(environment))
                over.add(index)
                is_exact = False
        self._over = sorted(over)
        return is_exact

    def statistics(self) -> list[Any]:
        """The statistics of the normalising wrappers of the first environment, innermost first."""
        return [layer.state() for layer in self._environments[0].learning]

    def use_statistics(self, statistics: Sequence[Any], frozen: bool = True) -> None:
        """Set the statistics of the normalising wrappers; they no longer change if `frozen`."""
        for environment in self._environments:
            for layer, state in zip(environment.learning, statistics, strict=True):
                layer.load_state(state)
                if frozen:
                    layer.freeze()

    def close(self) -> None:
        """Close the environments and drop them, which frees the memory of their simulators."""
        for environment in self._environments:
            environment.close()
        self._environments = ()

    def _begin(self, index: int) -> None:
        environment, seed = self._environments[index], self._seeds(index, self._begun[index])
        self._remembered[index] = _remembered(environment)
        self._observations[index] = environment.reset(seed)
        self._begun[index] += 1
        self._forget(index)

    def _end(self, index: int) -> Episode:
        measures = self._environments[index].measures()
        episode = Episode(index, self._returns[index], len(self._actions[index]), measures)
        self._over.append(index)
        self._forget(index)
        return episode

    def _forget(self, index: int) -> None:
        """Reset the return and the actions of the current episode."""
        self._returns[index] = 0.0
        self._actions[index].clear()

    def _repeat(self, index: int, state: dict[str, Any]) -> bool:
        """Repeat the actions of the current episode; False if its observation or return differs."""
        environment, actions = self._environments[index], state["actions"][index]
        self._begun[index] -= 1
        self._begin(index)
        for action in actions:
            self._observations[index], reward, terminated, truncated = environment.step(action)
            self._returns[index] += reward
            self._actions[index].append(action)
            if terminated or truncated:
                return False
        same = np.array_equal(self._observations[index], state["observations"][index], equal_nan=True)
        return same and self._returns[index] == state["returns"][index]


def inexact(environment: Environment) -> str:
    """The message of why a trial cannot be continued exactly."""
    silent = [type(layer).__name__ for layer in environment.layers if layer not in environment.stateful]
    return (
        "an episode was not the same again with its seed and its actions: this trial does not continue "
        f"exactly. Environments and wrappers with state that outlasts an episode need state() and "
        f"load_state(); these have none: {', '.join(silent)}"
    )


def make_environments(
    config: EnvConfig, seeds: EpisodeSeeds, render_mode: str | None = None
) -> VectorEnvironment:
    """Build `config.parallel` copies of the environment; raises ConfigError as `make_environment` does."""
    return VectorEnvironment([make_environment(config, render_mode) for _ in range(config.parallel)], seeds)


def play(
    env: VectorEnvironment, act: Callable[[np.ndarray], np.ndarray], is_over: Callable[[], bool]
) -> Iterator[Step]:
    """Play episode after episode and yield every step, until `is_over` returns True before a step.

    `act` maps observations [N, ...] to actions int64[N].
    """
    while not is_over():
        yield env.step(act(env.observe()))


def play_episodes(
    env: VectorEnvironment, act: Callable[[np.ndarray], np.ndarray], episodes: int
) -> Iterator[Step]:
    """As `play`, until at least `episodes` episodes have ended."""
    left = episodes
    steps = play(env, act, lambda: left <= 0)
    for step in steps:
        left -= len(step.ended)
        yield step


def _remembered(environment: Environment) -> list[Any]:
    """The states that layers with `state` keep between episodes, innermost first."""
    return [layer.state() for layer in environment.stateful]


def _remember(environment: Environment, states: Sequence[Any]) -> None:
    for layer, state in zip(environment.stateful, states, strict=True):
        layer.load_state(state)
