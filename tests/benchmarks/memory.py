"""The memory of a replay buffer.

python -m tests.benchmarks.memory
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from dqn_exp.replay import build_replay
from tests.helpers import make_config, one_step, spaces_of


def resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def replay_megabytes(capacity: int = 1_000_000, observation_size: int = 4) -> float:
    """Growth of the process while a replay of CartPole transitions is made and filled."""
    config, observation = make_config(buffer=capacity), np.ones(observation_size, np.float32)
    observations, _ = spaces_of(observation_size, 2)
    step = one_step(observation, 1, 1.0, observation)
    before = resident_megabytes()
    replay = build_replay(config.replay, observations, 1, 0.99, np.random.default_rng(0))
    for _ in range(capacity):
        replay.add(step)
    return resident_megabytes() - before


if __name__ == "__main__":
    print(f"{replay_megabytes():.1f} MB for 1 000 000 CartPole transitions")
