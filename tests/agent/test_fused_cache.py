"""Compiled functions are cached on disk, and a cached function computes the same bits.

Processes that start at the same time do not disturb each other.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import logging, sys
import numpy as np
from dqn_exp.agent.learner import build_learner
from dqn_exp.networks import build_network
from dqn_exp.replay import Transitions
from tests.helpers import make_config, spaces_of

logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
n_actions, n_layers = map(int, sys.argv[1:])
config = make_config(network__hidden=[24] * n_layers, agent__max_grad_norm=0.1, agent__loss="huber")
learner = build_learner(config, build_network(config.network, *spaces_of(4, n_actions), seed=0), seed=0)
draw, indices = np.random.default_rng(0), np.arange(100)
rows, numbers = draw.normal(size=(100, 4)).astype(np.float32), draw.normal(size=100).astype(np.float32)
transitions = Transitions(rows, indices % n_actions, numbers, rows[::-1].copy(), numbers)
for _ in range(5):
    print(learner.update(transitions, indices, None), learner.statistics())
print([parameter.tolist() for parameter in learner.network.parameters()])
"""


def start(cache: Path, n_actions: int, n_layers: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(n_actions), str(n_layers)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
    )


def test_several_processes_compile_at_once_and_later_ones_not_at_all(tmp_path: Path) -> None:
    """Two kernels, one of them twice; then again, from the disk."""
    kernels, outputs = [(2, 1), (2, 1), (2, 2)], []
    for _ in range(2):
        processes = [start(tmp_path, *kernel) for kernel in kernels]
        outputs.append([process.communicate(timeout=280) for process in processes])
        assert [process.returncode for process in processes] == [0] * len(kernels)
    cold, warm = outputs
    assert "compiling" in cold[0][1] + cold[1][1]
    assert "compiling" in cold[2][1]
    assert not any("compiling" in log for _, log in warm)
    assert [numbers for numbers, _ in cold] == [numbers for numbers, _ in warm]
    assert cold[0][0] == cold[1][0] != cold[2][0]
