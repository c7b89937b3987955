"""What is compiled is kept on disk: processes that start at once do not disturb each other."""

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
config, n_actions = make_config(network__hidden=[8]), int(sys.argv[1])
learner = build_learner(config, build_network(config.network, *spaces_of(4, n_actions), seed=0), seed=0)
rows, indices = np.linspace(-1, 1, 40, dtype=np.float32).reshape(10, 4), np.arange(10)
numbers = np.ones(10, np.float32)
transitions = Transitions(rows, indices % n_actions, numbers, rows, numbers)
print(learner.update(transitions, indices, None))
"""


def start(cache: Path, n_actions: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(n_actions)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
    )


def test_several_processes_compile_at_once_and_later_ones_not_at_all(tmp_path: Path) -> None:
    """Two kernels, one of them twice; then again, from the disk."""
    kernels, outputs = [2, 2, 1], []
    for _ in range(2):
        processes = [start(tmp_path, n_actions) for n_actions in kernels]
        outputs.append([process.communicate(timeout=280) for process in processes])
        assert [process.returncode for process in processes] == [0] * len(kernels)
    cold, warm = outputs
    assert "compiling" in cold[0][1] + cold[1][1]
    assert "compiling" in cold[2][1]
    assert not any("compiling" in log for _, log in warm)
    assert [loss for loss, _ in cold] == [loss for loss, _ in warm]
    assert cold[0][0] == cold[1][0] != cold[2][0]
