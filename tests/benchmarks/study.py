"""The notebook's study of the buffer size, from the command to the finished report.

    python -m tests.benchmarks.study [--seeds 3] [--rounds 3]

`sweeps=buffer_size` runs on all cores; the result is the median of several rounds. Between the rounds
the same trials run once in the notebook's manner, one after another, which takes minutes.
The length of a trial depends on chance, so the environment steps of our trials are shown too.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.steps import HERE, ONE_THREAD, ROOT

WORK: dict[str, Any] = {
    "env_id": "CartPole-v0",
    "hidden": [128],
    "batch_size": 256,
    "lr": 0.1,
    "gamma": 0.99,
    "target_every": 32,
    "episodes": 200,
    "threshold": 199,
    "buffer_sizes": [500, 17083, 33666, 50250, 66833, 83416, 100000],
}


def seconds(*arguments: str | Path) -> float:
    started = time.perf_counter()
    environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    subprocess.run([sys.executable, *arguments], check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def run_ours(seeds: int, sweep: Path) -> float:
    cores = len(os.sched_getaffinity(0))
    time_taken = seconds(
        "-m", "dqn_exp", "-m", "sweeps=buffer_size", f"seed=range({seeds})", "reuse=none",
        f"hydra.sweep.dir={sweep}", f"hydra.launcher.n_jobs={cores}",
    )  # fmt: skip
    results = [json.loads(path.read_text()) for path in sweep.glob("*/result.json")]
    assert (sweep / "report" / "index.html").exists()
    assert len(results) == seeds * len(WORK["buffer_sizes"])
    print(f"ours: {time_taken:.1f} s, {sum(result['env_steps'] for result in results):,} environment steps")
    return time_taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    seeds, rounds = arguments.seeds, arguments.rounds
    with tempfile.TemporaryDirectory() as directory:
        sweeps = [Path(directory) / f"sweep{index}" for index in range(rounds)]
        times = [run_ours(seeds, sweep) for sweep in sweeps[: rounds // 2 + 1]]
        notebook = seconds(HERE / "peers" / "notebook_study.py", json.dumps({**WORK, "seeds": seeds}))
        times += [run_ours(seeds, sweep) for sweep in sweeps[rounds // 2 + 1 :]]
    ours = statistics.median(times)
    print(f"the notebook's manner: {notebook:.0f} s; ours: {ours:.1f} s; ratio {notebook / ours:.1f}")


if __name__ == "__main__":
    main()
