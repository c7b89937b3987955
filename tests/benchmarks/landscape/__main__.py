"""Train the configurations of ARLBench's DQN landscapes here, and compare: docs/landscape.md.

    python -m tests.benchmarks.landscape FOLDER          # or DQN_EXP_REFERENCE=FOLDER

FOLDER holds their results as CSV files (https://github.com/automl/arlbench). Each landscape is an ordinary
sweep; run again, what is finished is not trained again, and more configurations or seeds are added to it.
What is compared are the configurations of which all seeds are trained.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.landscape.comparison import Comparison, compare
from tests.benchmarks.landscape.figures import draw
from tests.benchmarks.landscape.page import FIGURES, results, write
from tests.benchmarks.landscape.reference import (
    LANDSCAPES,
    Landscape,
    configurations,
    read_reference,
    write_sweep,
)

CONFIGURATIONS = {"cartpole": 256, "acrobot": 64, "mountaincar": 64, "lunarlander": 64}


def train(landscape: Landscape, folder: Path, count: int, seeds: int, place: Path, n_jobs: int) -> None:
    """Train the first `count` configurations as a sweep in `place`/trials."""
    settings = configurations(read_reference(folder, landscape), count)
    write_sweep(place / "sweeps" / f"{landscape.name}.yaml", landscape, settings, seeds)
    options = (f"hydra.sweep.dir=trials/{landscape.name}", "report=false", f"hydra.launcher.n_jobs={n_jobs}")
    command = [sys.executable, "-m", "dqn_exp", "-m", f"sweeps={landscape.name}", *options]
    subprocess.run(command, cwd=place, check=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    folder, names = os.environ.get("DQN_EXP_REFERENCE"), list(CONFIGURATIONS)
    add = parser.add_argument
    add("folder", type=Path, nargs="?" if folder else None, default=folder)
    add("--environments", nargs="+", choices=names, default=names)
    add("--configurations", type=int, help="of each environment (default: 256 of cartpole, 64 of the others)")
    add("--seeds", type=int, default=3, choices=range(2, 10), metavar="N", help="2 to 9 (default: 3)")
    add("--n-jobs", type=int, default=-1, help="trials at a time (default: one for each core)")
    add("--directory", type=Path, default=Path("outputs/landscape"))
    add("--only-compare", action="store_true", help="what is trained already")
    add("--write", action="store_true", help="to docs/landscape.md and its figures")
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    chosen = [landscape for landscape in LANDSCAPES if landscape.name in asked.environments]
    compared: list[Comparison] = []
    for landscape in chosen:
        if not asked.only_compare:
            count = asked.configurations or CONFIGURATIONS[landscape.name]
            train(landscape, asked.folder, count, asked.seeds, asked.directory, asked.n_jobs)
        found = compare(landscape, asked.folder, asked.directory / "trials" / landscape.name, asked.seeds)
        if len(found.ours) > 1:
            compared.append(found)
        else:
            print(f"{landscape.title}: fewer than two configurations have all {asked.seeds} seeds")
    if compared:
        text = results(compared)
        print(text, *draw(compared, FIGURES if asked.write else asked.directory), sep="\n")
        if asked.write:
            write(text)


if __name__ == "__main__":
    main()
