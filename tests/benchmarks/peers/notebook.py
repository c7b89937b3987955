"""DQN in the manner of a notebook: transitions in a list, drawn one by one and made into tensors."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import torch
from protocol import read_work, serve
from torch import Tensor, nn


def make_network(n_in: int, hidden: list[int], n_out: int) -> nn.Module:
    layers: list[nn.Module] = []
    for size in hidden:
        layers += [nn.Linear(n_in, size), nn.ReLU()]
        n_in = size
    return nn.Sequential(*layers, nn.Linear(n_in, n_out))


class Agent:
    def __init__(self, work: dict[str, Any], env: gymnasium.Env) -> None:
        assert isinstance(env.action_space, gymnasium.spaces.Discrete)
        self.work, self.env = work, env
        self.n_actions = int(env.action_space.n)
        self.online, self.target = (
            make_network(env.observation_space.shape[0], work["hidden"], self.n_actions) for _ in range(2)
        )
        self.follow()
        self.optimizer = torch.optim.Adam(self.online.parameters(), lr=work["lr"])
        self.memory: list[tuple[np.ndarray, int, float, np.ndarray | None]] = []
        self.oldest = 0

    def act(self, state: np.ndarray, epsilon: float) -> int:
        if random.random() < epsilon:
            return random.randrange(self.n_actions)
        with torch.no_grad():
            return int(self.online(torch.FloatTensor(np.array([state]))).argmax())

    def step(self, state: np.ndarray, epsilon: float) -> tuple[np.ndarray, bool]:
        """Act, remember, learn; returns the next state and whether the episode is over."""
        action = self.act(state, epsilon)
        next_state, reward, terminated, truncated, _ = self.env.step(action)
        self.remember(state, action, reward, None if terminated else next_state)
        if len(self.memory) >= self.work["batch_size"]:
            self.learn()
        return next_state, terminated or truncated

    def follow(self) -> None:
        self.target.load_state_dict(self.online.state_dict())

    def evaluate(self, env: gymnasium.Env, episodes: int) -> float:
        """Mean return of greedy episodes."""
        total = 0.0
        for _ in range(episodes):
            state, ended = env.reset()[0], False
            while not ended:
                state, reward, terminated, truncated, _ = env.step(self.act(state, 0.0))
                total += float(reward)
                ended = terminated or truncated
        return total / episodes

    def remember(self, *transition: Any) -> None:
        if len(self.memory) < self.work["buffer_size"]:
            self.memory.append(transition)
        else:
            self.memory[self.oldest] = transition
        self.oldest = (self.oldest + 1) % self.work["buffer_size"]

    def learn(self) -> None:
        states, actions, rewards, next_states = zip(
            *random.choices(self.memory, k=self.work["batch_size"]), strict=True
        )
        lasting = torch.BoolTensor([state is not None for state in next_states])
        values = self.online(torch.FloatTensor(np.array(states))).gather(
            1, torch.LongTensor(actions).view(-1, 1)
        )
        next_values = torch.zeros(len(states))
        with torch.no_grad():
            following = np.array([state for state in next_states if state is not None])
            next_values[lasting] = self.target(torch.FloatTensor(following)).max(1).values
        targets: Tensor = torch.FloatTensor(rewards) + self.work["gamma"] * next_values
        loss = nn.functional.mse_loss(values.squeeze(1), targets)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


def train(work: dict[str, Any]) -> Iterator[None]:
    """Yields after each environment step."""
    env = gymnasium.make(work["env_id"])
    agent, step = Agent(work, env), 0
    while True:
        state, ended = env.reset()[0], False
        while not ended:
            state, ended = agent.step(state, work["epsilon"])
            step += 1
            if step % work["target_every"] == 0:
                agent.follow()
            yield


def solve(work: dict[str, Any], seed: int) -> int:
    """Train until a greedy evaluation every third episode reaches the threshold; returns the episodes."""
    torch.manual_seed(seed)
    random.seed(seed)
    env, evaluation_env = gymnasium.make(work["env_id"]), gymnasium.make(work["env_id"])
    agent = Agent(work, env)
    state = env.reset(seed=seed)[0]
    for episode in range(1, work["episodes"] + 1):
        epsilon, ended = 0.05 + 0.95 * math.exp(-(episode - 1) / 200), False
        while not ended:
            state, ended = agent.step(state, epsilon)
        state = env.reset()[0]
        if episode % work["target_every"] == 0:
            agent.follow()
        if episode % 3 == 0 and agent.evaluate(evaluation_env, 5) >= work["threshold"]:
            return episode
    return work["episodes"]


def main() -> None:
    torch.set_num_threads(1)
    steps = train(read_work())

    def advance(count: int) -> int:
        for _ in range(count):
            next(steps)
        return count

    serve(advance)


if __name__ == "__main__":
    main()
