"""stable-baselines3's DQN. Runs in its own virtual environment."""

from __future__ import annotations

import gymnasium
import torch
from protocol import read_work, serve
from stable_baselines3 import DQN


def main() -> None:
    torch.set_num_threads(1)
    work = read_work()
    model = DQN(
        "MlpPolicy",
        gymnasium.make(work["env_id"]),
        learning_rate=work["lr"],
        buffer_size=work["buffer_size"],
        learning_starts=work["batch_size"],
        batch_size=work["batch_size"],
        gamma=work["gamma"],
        train_freq=1,
        gradient_steps=1,
        target_update_interval=work["target_every"],
        exploration_initial_eps=work["epsilon"],
        exploration_final_eps=work["epsilon"],
        policy_kwargs={"net_arch": work["hidden"]},
        seed=0,
        device="cpu",
    )

    def advance(steps: int) -> int:
        model.learn(steps, log_interval=10**9, reset_num_timesteps=False)
        return steps

    serve(advance)


if __name__ == "__main__":
    main()
