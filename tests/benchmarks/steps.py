"""Environment steps per second of whole training loops, side by side on one core.

    python -m tests.benchmarks.steps [--quick] [--core N]

Every task is trained by all peers in turn, a few seconds each, over several rounds. The table shows
the median over the rounds, and its ratio to each peer. The peers are processes that wait while
another works. stable-baselines3 is measured if it is installed in `.venv-bench` (`make bench` does that).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.memory import replay_megabytes

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SB3_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

COMMON = {"buffer_size": 16384, "lr": 1e-3, "gamma": 0.99, "epsilon": 0.1, "target_every": 500}
WORKS: dict[str, dict[str, Any]] = {
    "CartPole [128], batch 256": {"env_id": "CartPole-v1", "hidden": [128], "batch_size": 256},
    "CartPole [24,24], batch 20": {"env_id": "CartPole-v1", "hidden": [24, 24], "batch_size": 20},
    "CartPole [120,84], batch 128": {"env_id": "CartPole-v1", "hidden": [120, 84], "batch_size": 128},
    "CartPole [256,128], batch 128": {"env_id": "CartPole-v1", "hidden": [256, 128], "batch_size": 128},
    "CartPole [256,256], batch 64": {"env_id": "CartPole-v1", "hidden": [256, 256], "batch_size": 64},
    "LunarLander [64,64], batch 128": {"env_id": "LunarLander-v3", "hidden": [64, 64], "batch_size": 128},
}
PEERS: dict[str, dict[str, Any]] = {
    "ours, fused": {"script": "ours.py", "learner": "fused"},
    "ours, torch": {"script": "ours.py", "learner": "torch"},
    "stable-baselines3": {"script": "sb3.py", "python": SB3_PYTHON},
    "notebook's manner": {"script": "notebook.py"},
}


class Peer:
    """A process that trains one work, so many steps at a time."""

    def __init__(self, work: dict[str, Any], script: str, python: Path | None = None, **extra: Any) -> None:
        self._process = subprocess.Popen(
            [python or sys.executable, HERE / "peers" / script, json.dumps({**COMMON, **work, **extra})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT)},
        )
        self.rates: list[float] = []

    def run(self, steps: int) -> float:
        """Train so many steps; returns steps per second."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{steps}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def measure(self, seconds: float, pace: float) -> None:
        self.rates.append(self.run(int(seconds * pace) + 1))

    def close(self) -> None:
        self._process.communicate()


def compare(work: dict[str, Any], rounds: int, seconds: float) -> dict[str, float]:
    """Median steps per second of each peer that can be had."""
    available = {name: p for name, p in PEERS.items() if Path(p.get("python", sys.executable)).exists()}
    peers = {name: Peer(work, **peer) for name, peer in available.items()}
    try:
        for peer in peers.values():
            peer.run(2 * work["batch_size"])
        paces = {name: peer.run(500) for name, peer in peers.items()}
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
    parser.add_argument(
        "--core", type=int, default=max(os.sched_getaffinity(0)), help="the one core to run on"
    )
    parser.add_argument("--only", default="", help="works whose name contains this")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {arguments.core})
    rounds, seconds = (1, 1.0) if arguments.quick else (5, 3.0)
    table = Table("work", *PEERS, "x torch", "x sb3", "x notebook", title="environment steps per second")
    for name, work in WORKS.items():
        if arguments.only in name:
            rates = compare(work, rounds, seconds)
            ours = rates["ours, fused"]
            shown = [f"{rates[peer]:,.0f}" if peer in rates else "-" for peer in PEERS]
            ratios = [f"{ours / rates[peer]:.1f}" if peer in rates else "-" for peer in list(PEERS)[1:]]
            table.add_row(name, *shown, *ratios)
            print(name, *shown, *ratios, sep=" | ", flush=True)
    console = Console(width=150)
    console.print(table)
    console.print(f"replay of 1 000 000 CartPole transitions: {replay_megabytes():.0f} MB")


if __name__ == "__main__":
    main()
