"""Trains one trial of stable-baselines3's DQN and prints its scores. Runs in its own virtual environment."""

from __future__ import annotations

import json
from typing import Any

import gymnasium
import numpy as np
import stable_baselines3
import torch
from protocol import read_work
from stable_baselines3 import DQN
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn


class MinAtarFeatures(BaseFeaturesExtractor):
    """MinAtar's network below its outputs (Young & Tian 2019): a 3x3 convolution of 16, and 128 units."""

    def __init__(self, observations: gymnasium.spaces.Box) -> None:
        super().__init__(observations, features_dim=128)
        channels = observations.shape[2]
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 128), nn.ReLU()
        )

    def forward(self, observations: Tensor) -> Tensor:
        """float[batch, 10, 10, channels] to float[batch, 128]."""
        features: Tensor = self.layers(observations.permute(0, 3, 1, 2))
        return features


def make_env(work: dict[str, Any]) -> gymnasium.Env[Any, Any]:
    if work["convolution"]:
        from minatar.gym import register_envs

        register_envs()
    return gymnasium.make(work["env_id"], max_episode_steps=work["max_episode_steps"])


def main() -> None:
    torch.set_num_threads(1)
    work = read_work()
    if work["convolution"]:
        work["settings"]["policy_kwargs"]["features_extractor_class"] = MinAtarFeatures
    model = DQN(
        "MlpPolicy",
        make_env(work),
        seed=work["seed"],
        device="cpu",
        stats_window_size=work["last_episodes"],
        **work["settings"],
    )
    evaluation = EvalCallback(
        Monitor(make_env(work)),
        eval_freq=work["evaluation_every"],
        n_eval_episodes=work["evaluation_episodes"],
        verbose=0,
    )
    evaluation.eval_env.seed(10_000 + work["seed"])
    model.learn(work["env_steps"], callback=evaluation, log_interval=10**9)
    greedy, _ = evaluate_policy(model, evaluation.eval_env, work["final_episodes"])
    scores = {
        "greedy": float(greedy),
        "last_episodes": float(np.mean([episode["r"] for episode in model.ep_info_buffer])),
        "best": float(evaluation.best_mean_reward),
    }
    print(json.dumps({"program": f"stable-baselines3 {stable_baselines3.__version__}", **scores}))


if __name__ == "__main__":
    main()
