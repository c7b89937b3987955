"""Microseconds of one update of each head (processor time, fastest of 12), by torch and by the fused learner.

    python -m tests.benchmarks.heads

Networks of [128, 128] on four inputs and two actions.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from dqn_exp.agent.learner import Learner, build_learner
from dqn_exp.networks import build_network
from dqn_exp.replay import Transitions
from tests.helpers import make_config, spaces_of

INPUTS, ACTIONS, ROWS, ROUNDS, UPDATES = 4, 2, 1000, 12, 40
HEADS: dict[str, dict[str, Any]] = {
    "values": {},
    "dueling": {"network__dueling": True},
    "c51": {"network/head": "c51"},
    "qr": {"network/head": "qr"},
}


def transitions(draw: np.random.Generator) -> Transitions:
    before, after = draw.normal(size=(2, ROWS, INPUTS)).astype(np.float32)
    rewards = draw.normal(size=ROWS).astype(np.float32)
    return Transitions(
        before, draw.integers(ACTIONS, size=ROWS), rewards, after, np.full(ROWS, 0.99, np.float32)
    )


def learner_of(name: str, head: dict[str, Any], batch: int) -> Learner:
    config = make_config(network__hidden=[128, 128], batch=batch, learner=name, **head)
    return build_learner(config, build_network(config.network, *spaces_of(INPUTS, ACTIONS), seed=0), seed=0)


def microseconds(learner: Learner, stored: Transitions, indices: np.ndarray) -> float:
    """Of one update, in the fastest round."""
    learner.update(stored, indices, None)
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(UPDATES):
            learner.update(stored, indices, None)
        rounds.append((time.process_time() - started) / UPDATES * 1e6)
    return min(rounds)


def main() -> None:
    torch.set_num_threads(1)
    draw = np.random.default_rng(0)
    stored = transitions(draw)
    for batch in (32, 64):
        indices = draw.integers(ROWS, size=batch)
        for name, head in HEADS.items():
            by_torch, fused = (
                microseconds(learner_of(kind, head, batch), stored, indices) for kind in ("torch", "fused")
            )
            print(f"batch {batch}, {name}: torch {by_torch:.0f}, fused {fused:.0f}, x {by_torch / fused:.1f}")


if __name__ == "__main__":
    main()
