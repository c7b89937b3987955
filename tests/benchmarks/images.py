"""Environment steps per second (processor time) of training on images, beside a plain torch loop, in turn.

    python -m tests.benchmarks.images [--quick] [--core N]

MinAtar's Breakout: one update of a batch of 32 in every four steps, the convolutional network of its authors.
"""

from __future__ import annotations

import argparse
import os
import statistics
from typing import Any

from tests.benchmarks.steps import COMMON, Peer

WORK: dict[str, Any] = {
    **COMMON,
    "env_id": "MinAtar/Breakout-v1",
    "batch_size": 32,
    "train_every": 4,
    "target_every": 1000,
    "buffer_size": 100_000,
    "lr": 2.5e-4,
    "settings": {"env": "minatar"},
    "processor_time": True,
}
PEERS: dict[str, dict[str, Any]] = {
    "ours": {"script": "ours.py", "learner": "auto"},
    "plain torch loop": {"script": "torch_loop.py"},
}


def measure(rounds: int, seconds: float) -> dict[str, float]:
    """Median steps per second of each, over `rounds` in which each trains for so long."""
    peers = {name: Peer(WORK, **peer) for name, peer in PEERS.items()}
    try:
        paces = {name: max(peer.run(500) for _ in range(2)) for name, peer in peers.items()}
        for _ in range(rounds):
            for name, peer in peers.items():
                peer.measure(seconds, paces[name])
        return {name: statistics.median(peer.rates) for name, peer in peers.items()}
    finally:
        for peer in peers.values():
            peer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a look, not a measurement")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core to run on")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {arguments.core})
    rates = measure(*(1, 2.0) if arguments.quick else (7, 4.0))
    for name, rate in rates.items():
        print(f"{name}: {rate:,.0f} steps/s, a million in {1e6 / rate / 60:.1f} minutes")
    print(f"ratio: {rates['ours'] / rates['plain torch loop']:.2f}")


if __name__ == "__main__":
    main()
