"""The cost of starting and running trials besides training.

    python -m tests.benchmarks.orchestration [--trials 500]

Start: `python -m dqn_exp --help` against `python -c "import hydra"`, the median of several rounds.
Sweep: trials of three episodes each on all cores. A trial's overhead is the core time that it takes
in addition to its training and final evaluation. The overheads of the first and of the second half
of the trials show whether it grows with the number of trials.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path


def seconds(*arguments: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - started


def compare_start(rounds: int = 9) -> None:
    pairs = [(seconds("-c", "import hydra"), seconds("-m", "dqn_exp", "--help")) for _ in range(rounds)]
    bare, ours = map(statistics.median, zip(*pairs, strict=True))
    print(f"start: import hydra {bare:.2f} s, dqn_exp --help {ours:.2f} s, ratio {ours / bare:.2f}")


def measure_sweep(n_trials: int, sweep: Path) -> None:
    cores = len(os.sched_getaffinity(0))
    total = seconds(
        "-m", "dqn_exp", "-m", f"seed=range({n_trials})", "budget.episodes=3", "budget.env_steps=null",
        "evaluation.every_steps=null", "evaluation.final_episodes=1", "batch=8", "report=false",
        "reuse=none", f"hydra.sweep.dir={sweep}", f"hydra.launcher.n_jobs={cores}",
    )  # fmt: skip
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    results = [json.loads(path.read_text()) for path in sweep.glob("*/result.json")]
    assert len(results) == n_trials
    training = sum(result["wall_seconds"] for result in results)
    ends = sorted(datetime.fromisoformat(result["ended"]).timestamp() for result in results)
    half = n_trials // 2
    halves = [
        (ends[last] - ends[first]) * cores / half for first, last in ((0, half), (half - 1, n_trials - 1))
    ]
    print(
        f"sweep of {n_trials} trials on {cores} cores: {total:.1f} s, overhead per trial and core "
        f"{(total * cores - training) / n_trials:.3f} s; core time per trial in the first half "
        f"{halves[0]:.3f} s, in the second {halves[1]:.3f} s; processor time of everything per trial "
        f"{(cpu.ru_utime + cpu.ru_stime) / n_trials:.3f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trials", type=int, default=500)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        measure_sweep(arguments.trials, Path(directory) / "sweep")
    compare_start()


if __name__ == "__main__":
    main()
