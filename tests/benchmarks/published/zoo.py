"""RL Zoo's tuned settings of DQN (rl-baselines3-zoo, hyperparams/dqn.yml), and the results of its benchmark.

`settings` are keyword arguments of stable-baselines3's DQN. Our settings are written separately, in
conf/experiment/zoo_*.yaml; a test compares the two.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Work(NamedTuple):
    env_id: str
    env_steps: int
    published: str
    settings: dict[str, Any]


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
    "acrobot": Work("Acrobot-v1", 100_000, "-76.6 ± 11.8", SLOW),
    "lunarlander": Work("LunarLander-v3", 100_000, "154.4 ± 79.2 (v2)", SLOW),
}
