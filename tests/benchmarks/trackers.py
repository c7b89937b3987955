"""What trackers cost: processor seconds of one CartPole trial with and without them, in turn.

python -m tests.benchmarks.trackers
python -m tests.benchmarks.trackers --trackers tensorboard mlflow wandb --rounds 3 --steps 50k
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

NONE = "no tracker"


def processor_seconds(track: str, steps: str, folder: Path) -> float:
    """Of one trial in a fresh folder, by the whole command and the processes that it starts."""
    command = [sys.executable, "-m", "dqn_exp", f"budget.env_steps={steps}", f"track=[{track}]", "reuse=none"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trackers", nargs="+", default=["tensorboard"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", default="50k")
    args = parser.parse_args()
    seconds: dict[str, list[float]] = {name: [] for name in (NONE, *args.trackers)}
    with tempfile.TemporaryDirectory() as place:
        for turn in range(args.rounds + 1):  # the first turn compiles
            for name, measured in seconds.items():
                folder = Path(place, f"{turn}-{name}")
                folder.mkdir()
                spent = processor_seconds("" if name == NONE else name, args.steps, folder)
                if turn:
                    measured.append(spent)
    for name, measured in seconds.items():
        ratio = statistics.median(measured) / statistics.median(seconds[NONE])
        print(f"{name}: {statistics.median(measured):.2f} s ({ratio:.3f} times), {measured}")


if __name__ == "__main__":
    main()
