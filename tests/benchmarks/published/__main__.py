"""Published settings, trained by stable-baselines3 and by us in one protocol: docs/published.md.

    python -m tests.benchmarks.published [--envs cartpole acrobot] [--seeds 10] [--sides sb3 ours] [--jobs 2]

Each trial's scores are added to docs/published.csv as it ends. Trials in that file are not trained again: a
stopped benchmark continues, and seeds can be added. To train trials again, remove their rows from the file.
"""

from __future__ import annotations

import argparse
import os
import sys
from itertools import product
from pathlib import Path

from tests.benchmarks.pages import put
from tests.benchmarks.published.page import results
from tests.benchmarks.published.trials import PYTHONS, Trial, missing, read, train_all
from tests.benchmarks.published.works import WORKS

PAGE = Path(__file__).parents[3] / "docs" / "published.md"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add = parser.add_argument
    add("--envs", nargs="+", choices=WORKS, default=list(WORKS))
    add("--seeds", type=int, default=10, help="of each environment and side: 0, 1, ... (default: 10)")
    add("--sides", nargs="+", choices=PYTHONS, default=list(PYTHONS))
    cores = len(os.sched_getaffinity(0))
    add("--jobs", type=int, default=cores, help="trials at a time (default: one for each core)")
    add("--only-write", action="store_true", help="train nothing")
    return parser.parse_args()


def main() -> None:
    asked, file = arguments(), PAGE.with_suffix(".csv")
    for side in asked.sides:
        if not PYTHONS[side].exists() and not asked.only_write:
            sys.exit(f"--sides {side}: there is no {PYTHONS[side]}; `make published` installs it")
    trials = [Trial(*one) for one in product(asked.envs, range(asked.seeds), asked.sides)]
    to_train = [] if asked.only_write else missing(trials, file)
    for n, (trial, told) in enumerate(train_all(to_train, asked.jobs, file), start=1):
        print(f"{n} of {len(to_train)}: {' '.join(map(str, trial))}: {told}", flush=True)
    put(PAGE, results(read(file)))
    if failed := missing(to_train, file):
        sys.exit(f"{len(failed)} of {len(to_train)} trials failed; what they said stands above")


if __name__ == "__main__":
    main()
