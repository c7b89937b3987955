"""How much memory a replay takes.

python -m tests.benchmarks.memory
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from dqn_exp.replay import build_replay
from tests.helpers import make_config


def resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def replay_megabytes(capacity: int = 1_000_000, observation_size: int = 4) -> float:
    """Growth of the process while a replay of CartPole transitions is made and filled."""
    config, observation = make_config(buffer=capacity), np.ones(observation_size, np.float32)
    before = resident_megabytes()
    replay = build_replay(config.replay, observation_size, 0.99, np.random.default_rng(0))
    for _ in range(capacity):
        replay.add(observation, 1, 1.0, observation, False, False)
    return resident_megabytes() - before


if __name__ == "__main__":
    print(f"{replay_megabytes():.1f} MB for 1 000 000 CartPole transitions")
