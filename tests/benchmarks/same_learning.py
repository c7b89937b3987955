"""Do both learners learn equally well? Twenty seeds of CartPole each, with intervals.

    python -m tests.benchmarks.same_learning [--seeds 20]

Ends with an error if the two learners differ: if the converged fraction or the restricted mean of one lies
outside the other's 95% interval.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import product

import numpy as np
import torch

from analysis.estimates.statistics import t_interval, wilson_interval
from dqn_exp.convergence import convergence_index
from dqn_exp.training.run import Evaluated, build_run, train
from tests.helpers import make_config

LEARNERS = ("torch", "fused")
BUDGET, THRESHOLD = 6_000, 195.0  # environment steps, mean return


def steps_to_threshold(learner: str, seed: int) -> tuple[float, bool]:
    """Environment steps until a greedy evaluation reached the threshold, at most the budget; did one?"""
    torch.set_num_threads(1)
    config = make_config(
        learner=learner,
        seed=seed,
        batch=32,
        network__hidden=[64],
        update_every=10,
        evaluation__every_steps=500,
        budget__env_steps=BUDGET,
        convergence__threshold=THRESHOLD,
    )
    trial, means = build_run(config), []
    for event in train(trial):
        if isinstance(event, Evaluated):
            means.append(event.score.mean)
            if convergence_index(means, THRESHOLD, 1) is not None:
                return trial.clock.env_steps, True
    return BUDGET, False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    seeds = range(parser.parse_args().seeds)
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        jobs = list(product(LEARNERS, seeds))
        outcomes = dict(zip(jobs, pool.map(steps_to_threshold, *zip(*jobs, strict=True)), strict=True))
    measured = {}
    for learner in LEARNERS:
        times, converged = np.array([outcomes[learner, seed] for seed in seeds]).T
        fraction, mean = converged.mean(), times.mean()
        intervals = wilson_interval(int(converged.sum()), len(seeds)), t_interval(times)
        measured[learner] = (fraction, intervals[0]), (mean, intervals[1])
        print(
            f"{learner}: {converged.sum():.0f} of {len(seeds)} converged "
            f"({intervals[0][0]:.2f} to {intervals[0][1]:.2f}); restricted mean to {BUDGET} steps "
            f"{mean:.0f} ({intervals[1][0]:.0f} to {intervals[1][1]:.0f})"
        )
    pairs = zip(measured["torch"], measured["fused"], strict=True)
    alike = all(low <= value <= high for (value, _), (_, (low, high)) in pairs)
    sys.exit(0 if alike else "the two learners do not learn alike")


if __name__ == "__main__":
    main()
