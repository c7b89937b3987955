"""What both sides train.

RL Zoo's tuned settings of DQN (rl-baselines3-zoo, hyperparams/dqn.yml) with the results of its benchmark, and
for a game of MinAtar those of Obando-Ceron & Castro 2021 (https://arxiv.org/abs/2011.14826).

`settings` are keyword arguments of stable-baselines3's DQN. Our settings are written separately, in
conf/experiment/; a test compares the two.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple


class Work(NamedTuple):
    experiment: str
    env_id: str
    env_steps: int
    published: str
    settings: dict[str, Any]
    evaluation_every: int = 5000
    """Environment steps between greedy evaluations."""
    max_episode_steps: int | None = None
    """None: as the environment is registered."""
    convolution: bool = False
    """Whether MinAtar's convolution and dense layer stand in front of the layers in `settings`."""


WIDE = {"policy_kwargs": {"net_arch": [256, 256]}}
SLOW = {
    "learning_rate": 6.3e-4,
    "batch_size": 128,
    "buffer_size": 50_000,
    "learning_starts": 0,
    "gamma": 0.99,
    "target_update_interval": 250,
    "train_freq": 4,
    "gradient_steps": 4,
    "exploration_fraction": 0.12,
    "exploration_final_eps": 0.1,
    **WIDE,
}
WORKS = {
    "cartpole": Work(
        "zoo_cartpole",
        "CartPole-v1",
        50_000,
        "500.0 ± 0.0",
        {
            "learning_rate": 2.3e-3,
            "batch_size": 64,
            "buffer_size": 100_000,
            "learning_starts": 1000,
            "gamma": 0.99,
            "target_update_interval": 10,
            "train_freq": 256,
            "gradient_steps": 128,
            "exploration_fraction": 0.16,
            "exploration_final_eps": 0.04,
            **WIDE,
        },
    ),
    "mountaincar": Work(
        "zoo_mountaincar",
        "MountainCar-v0",
        120_000,
        "-100.8 ± 9.9",
        {
            "learning_rate": 4e-3,
            "batch_size": 128,
            "buffer_size": 10_000,
            "learning_starts": 1000,
            "gamma": 0.98,
            "target_update_interval": 600,
            "train_freq": 16,
            "gradient_steps": 8,
            "exploration_fraction": 0.2,
            "exploration_final_eps": 0.07,
            **WIDE,
        },
    ),
    "acrobot": Work("zoo_acrobot", "Acrobot-v1", 100_000, "-76.6 ± 11.8", SLOW),
    "lunarlander": Work("zoo_lunarlander", "LunarLander-v3", 100_000, "154.4 ± 79.2 (v2)", SLOW),
    "breakout": Work(
        "minatar",
        "MinAtar/Breakout-v1",
        1_000_000,
        "",
        {
            "learning_rate": 2.5e-4,
            "batch_size": 32,
            "buffer_size": 100_000,
            "learning_starts": 1000,
            "gamma": 0.99,
            "target_update_interval": 1000,
            "train_freq": 4,
            "gradient_steps": 1,
            "exploration_fraction": 0.25,
            "exploration_final_eps": 0.01,
            "max_grad_norm": math.inf,
            "policy_kwargs": {"net_arch": [], "optimizer_kwargs": {"eps": 3.125e-4}},
        },
        evaluation_every=50_000,
        max_episode_steps=10_000,
        convolution=True,
    ),
}
