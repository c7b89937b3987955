"""Trains one trial of stable-baselines3's DQN and prints its scores. Runs in its own virtual environment."""

from __future__ import annotations

import json

import gymnasium
import numpy as np
import stable_baselines3
import torch
from protocol import read_work
from stable_baselines3 import DQN
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor


def main() -> None:
    torch.set_num_threads(1)
    work = read_work()
    model = DQN(
        "MlpPolicy",
        gymnasium.make(work["env_id"]),
        seed=work["seed"],
        device="cpu",
        stats_window_size=work["last_episodes"],
        **work["settings"],
    )
    evaluation = EvalCallback(
        Monitor(gymnasium.make(work["env_id"])),
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
