"""Trains one trial of this project and prints its scores."""

from __future__ import annotations

import json

import numpy as np
import torch
from protocol import read_work

from dqn_exp.runs import code
from dqn_exp.training.run import EpisodeEnded, Evaluated, build_run, train
from tests.helpers import make_config


def main() -> None:
    torch.set_num_threads(1)
    work = read_work()
    config = make_config(
        experiment=work["experiment"],
        seed=work["seed"],
        budget__env_steps=work["env_steps"],
        evaluation__every_steps=work["evaluation_every"],
        evaluation__episodes=work["evaluation_episodes"],
    )
    run, returns, evaluations = build_run(config), [], []
    for event in train(run):
        match event:
            case EpisodeEnded(total_return):
                returns.append(total_return)
            case Evaluated(score):
                evaluations.append(score.mean)
    scores = {
        "greedy": run.evaluate(work["final_episodes"]).mean,
        "last_episodes": float(np.mean(returns[-work["last_episodes"] :])),
        "best": max(evaluations),
    }
    print(json.dumps({"program": f"dqn_exp {code.source()}", **scores}))


if __name__ == "__main__":
    main()
