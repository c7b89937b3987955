"""DQN on MinAtar as a plain torch loop, in the manner of MinAtar's own example.

Transitions of tensors are kept in a list, and a sample is stacked at each update."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import torch
from minatar.gym import register_envs
from protocol import read_work, serve
from torch import Tensor, nn


def make_network(channels: int, n_actions: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 128), nn.ReLU(),
        nn.Linear(128, n_actions),
    )  # fmt: skip


def tensor_of(state: np.ndarray) -> Tensor:
    return torch.tensor(state).permute(2, 0, 1).unsqueeze(0).float()


def train(work: dict[str, Any]) -> Iterator[None]:
    """Yields after each environment step."""
    register_envs()
    env = gymnasium.make(work["env_id"])
    assert isinstance(env.action_space, gymnasium.spaces.Discrete)
    n_actions, channels = int(env.action_space.n), env.observation_space.shape[2]
    online, target = make_network(channels, n_actions), make_network(channels, n_actions)
    target.load_state_dict(online.state_dict())
    optimizer = torch.optim.Adam(online.parameters(), lr=work["lr"])
    memory: deque[tuple[Tensor, int, float, Tensor, bool]] = deque(maxlen=work["buffer_size"])
    state, step = tensor_of(env.reset()[0]), 0
    while True:
        if random.random() < work["epsilon"]:
            action = random.randrange(n_actions)
        else:
            with torch.no_grad():
                action = int(online(state).argmax(1))
        observation, reward, terminated, truncated, _ = env.step(action)
        next_state = tensor_of(observation)
        memory.append((state, action, float(reward), next_state, terminated))
        state = tensor_of(env.reset()[0]) if terminated or truncated else next_state
        step += 1
        if step % work["train_every"] == 0 and len(memory) >= work["batch_size"]:
            learn(work, online, target, optimizer, random.sample(memory, work["batch_size"]))
        if step % work["target_every"] == 0:
            target.load_state_dict(online.state_dict())
        yield


def learn(
    work: dict[str, Any],
    online: nn.Module,
    target: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: list[tuple[Tensor, int, float, Tensor, bool]],
) -> None:
    states, actions, rewards, next_states, ends = zip(*batch, strict=True)
    values = online(torch.cat(states)).gather(1, torch.tensor(actions).unsqueeze(1)).squeeze(1)
    with torch.no_grad():
        next_values = target(torch.cat(next_states)).max(1).values
    going_on = 1 - torch.tensor(ends, dtype=torch.float32)
    targets = torch.tensor(rewards) + work["gamma"] * going_on * next_values
    loss = nn.functional.mse_loss(values, targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


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
