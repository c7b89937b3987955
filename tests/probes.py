"""Environments whose true values can be computed by hand; each isolates one fault of a DQN.

Importing this module registers them with gymnasium as `probe/NAME-v0`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

Transition = Callable[[int, int, np.random.Generator], tuple[int, float, bool]]


class TableEnv(gymnasium.Env[int, int]):
    """A Markov decision process over `n_states` numbered states.

    `transition(state, action, generator)` gives the next state, the reward and whether that terminates;
    an episode starts in one of `starts`.
    """

    def __init__(
        self, n_states: int, n_actions: int, transition: Transition, starts: tuple[int, ...] = (0,)
    ) -> None:
        self.observation_space = spaces.Discrete(n_states)
        self.action_space = spaces.Discrete(n_actions)
        self._transition, self._starts = transition, starts
        self._state = starts[0]

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self._state = int(self.np_random.choice(self._starts))
        return self._state, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        self._state, reward, terminated = self._transition(self._state, action, self.np_random)
        return self._state, reward, terminated, False, {}


def constant_reward(**_: Any) -> TableEnv:
    """One step, reward 1: Q = 1 for every action. Wrong: the loss or the optimiser."""
    return TableEnv(1, 2, lambda state, action, _: (0, 1.0, True))


def reward_by_observation(**_: Any) -> TableEnv:
    """One step, reward -1 in state 0 and +1 in state 1: Q = -1, +1. Wrong: what the network sees."""
    return TableEnv(2, 2, lambda state, action, _: (state, 2.0 * state - 1, True), (0, 1))


def two_steps(**_: Any) -> TableEnv:
    """No reward, then 1: Q(0) = gamma, Q(1) = 1. Wrong: the discount or the bootstrap."""
    return TableEnv(2, 2, lambda state, action, _: (1, float(state), state == 1))


def reward_by_action(**_: Any) -> TableEnv:
    """One step, reward -1 for action 0 and +1 for action 1. Wrong: which action's value is learned."""
    return TableEnv(1, 2, lambda state, action, _: (0, 2.0 * action - 1, True))


def reward_by_both(**_: Any) -> TableEnv:
    """One step, reward +1 where the action equals the state, else -1. Wrong: both together."""
    return TableEnv(2, 2, lambda state, action, _: (state, 1.0 if action == state else -1.0, True), (0, 1))


def cycle(**_: Any) -> TableEnv:
    """0 -> 1 -> 2 -> 3 -> 0, reward 1 each step, no end: V = 1 / (1 - gamma) everywhere."""
    return TableEnv(4, 2, lambda state, action, _: ((state + 1) % 4, 1.0, False))


def hall_and_room(**_: Any) -> TableEnv:
    """State 0 leads to 1 for nothing; 1 stays and pays 1: V(1) = 1 / (1 - gamma), V(0) = gamma V(1)."""
    return TableEnv(2, 2, lambda state, action, _: (1, float(state), False))


def chain_of_three(**_: Any) -> TableEnv:
    """0 -> 1 -> 2, reward 1 each step; the third step terminates: V = 1 + gamma + gamma^2, 1 + gamma, 1."""
    return TableEnv(3, 2, lambda state, action, _: (min(state + 1, 2), 1.0, state == 2))


class RandomMDP(TableEnv):
    """Five states, two actions; next states drawn from random distributions, rewards from N(0, 1).

    `probabilities: [S, A, S]` and `rewards: [S, A]` are its tables. It has no end.
    """

    def __init__(self, table_seed: int = 0, n_states: int = 5, n_actions: int = 2) -> None:
        generator = np.random.default_rng(table_seed)
        self.probabilities = generator.dirichlet(np.ones(n_states), (n_states, n_actions))
        self.rewards = generator.normal(size=(n_states, n_actions))
        super().__init__(n_states, n_actions, self._draw, tuple(range(n_states)))

    def _draw(self, state: int, action: int, generator: np.random.Generator) -> tuple[int, float, bool]:
        following = int(generator.choice(len(self.rewards), p=self.probabilities[state, action]))
        return following, float(self.rewards[state, action]), False

    def optimal_values(self, gamma: float) -> np.ndarray:
        """Q* [S, A], by value iteration."""
        values = np.zeros_like(self.rewards)
        for _ in range(1000):
            values = self.rewards + gamma * self.probabilities @ values.max(axis=1)
        return values


class Catch(gymnasium.Env[np.ndarray, int]):
    """Catch of bsuite (Osband et al. 2020): a ball falls down a board, a paddle moves along its bottom row.

    Observation: float32[rows, columns], 1 where the ball or the paddle is. Actions: left, stay, right.
    Reward: at the bottom +1 if caught, else -1. The best return is 1; doing nothing earns -0.6.
    """

    def __init__(self, rows: int = 10, columns: int = 5) -> None:
        self._rows, self._columns = rows, columns
        self.observation_space = spaces.Box(0, 1, (rows, columns), np.float32)
        self.action_space = spaces.Discrete(3)
        self._ball_row = self._ball_column = self._paddle = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self._ball_row, self._ball_column = 0, int(self.np_random.integers(self._columns))
        self._paddle = self._columns // 2
        return self._board(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self._paddle = int(np.clip(self._paddle + action - 1, 0, self._columns - 1))
        self._ball_row += 1
        landed = self._ball_row == self._rows - 1
        reward = (1.0 if self._paddle == self._ball_column else -1.0) if landed else 0.0
        return self._board(), reward, landed, False, {}

    def _board(self) -> np.ndarray:
        board = np.zeros((self._rows, self._columns), np.float32)
        board[self._ball_row, self._ball_column] = board[-1, self._paddle] = 1
        return board


class EchoEnv(gymnasium.Env[Any, Any]):
    """Draws its observations from any space, and repeats the action it got as the reward. It has no end."""

    def __init__(self, observation_space: spaces.Space[Any], action_space: spaces.Space[Any]) -> None:
        self.observation_space, self.action_space = observation_space, action_space
        self.observation_space.seed(0)
        self.latest: Any = None

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.latest = self.observation_space.sample()
        return self.latest, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.latest = self.observation_space.sample()
        return self.latest, float(action), False, False, {}


class ReusedBufferEnv(gymnasium.Env[np.ndarray, int]):
    """Counts its steps in one array that it returns again and again, as careless environments do."""

    observation_space = spaces.Box(0, np.inf, (1,), np.float32)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self._count = np.zeros(1, np.float32)
        return self._count, {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self._count += 1
        return self._count, 1.0, False, False, {}


PROBES: dict[str, Callable[..., gymnasium.Env[Any, Any]]] = {
    "ConstantReward": constant_reward,
    "RewardByObservation": reward_by_observation,
    "TwoSteps": two_steps,
    "RewardByAction": reward_by_action,
    "RewardByBoth": reward_by_both,
    "Cycle": cycle,
    "HallAndRoom": hall_and_room,
    "ChainOfThree": chain_of_three,
    "RandomMDP": RandomMDP,
    "Catch": Catch,
    "Echo": EchoEnv,
    "ReusedBuffer": ReusedBufferEnv,
}

for _name, _entry_point in PROBES.items():
    gymnasium.register(f"probe/{_name}-v0", entry_point=_entry_point)
