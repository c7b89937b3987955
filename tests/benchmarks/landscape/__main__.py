"""Train the configurations of ARLBench's DQN landscapes here, and compare: docs/landscape.md.

    python -m tests.benchmarks.landscape FOLDER          # or DQN_EXP_REFERENCE=FOLDER

FOLDER holds their results as CSV files (https://github.com/automl/arlbench). Configurations are trained in
groups of a few, each group as an ordinary sweep, and the score of every trial is added to docs/landscape.csv.
Trials in that file are not trained again: a stopped benchmark continues, and configurations or seeds can be
added. Only configurations with all seeds trained are compared.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from tests.benchmarks.landscape import scores
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


AT_A_TIME = 16
"""Configurations of one sweep: what a benchmark that is stopped has to do again at most."""


def untrained(
    landscape: Landscape, folder: Path, count: int, seeds: int, file: Path
) -> Iterator[pd.DataFrame]:
    """The settings of the first `count` configurations that lack a seed in `file`, a few at a time."""
    settings = configurations(read_reference(folder, landscape), count)
    trained = scores.table(file, landscape, seeds).index
    settings = settings[~settings["configuration"].isin(trained)]
    for first in range(0, len(settings), AT_A_TIME):
        yield settings.iloc[first : first + AT_A_TIME]


def train(landscape: Landscape, settings: pd.DataFrame, seeds: int, place: Path, n_jobs: int) -> Path:
    """Train these configurations as a sweep below `place`/trials; returns its directory."""
    name = f"{landscape.name}_{settings['configuration'].iloc[0]}"
    write_sweep(place / "sweeps" / f"{name}.yaml", landscape, settings, seeds)
    options = (f"hydra.sweep.dir=trials/{name}", "report=false", f"hydra.launcher.n_jobs={n_jobs}")
    command = [sys.executable, "-m", "dqn_exp", "-m", f"sweeps={name}", *options]
    subprocess.run(command, cwd=place, check=True)
    return place / "trials" / name


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    folder, names = os.environ.get("DQN_EXP_REFERENCE"), list(CONFIGURATIONS)
    add = parser.add_argument
    add("folder", type=Path, nargs="?" if folder else None, default=folder)
    add("--environments", nargs="+", choices=names, default=names)
    add("--configurations", type=int, help="of each environment (default: 256 of cartpole, 64 of the others)")
    add("--seeds", type=int, default=3, choices=range(2, 10), metavar="N", help="2 to 9 (default: 3)")
    add("--n-jobs", type=int, default=-1, help="trials at a time (default: one for each core)")
    add("--directory", type=Path, default=Path("outputs/landscape"), help="where trials are trained")
    add("--scores", type=Path, default=scores.FILE, help="of every trial (default: docs/landscape.csv)")
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
            for settings in untrained(landscape, asked.folder, count, asked.seeds, asked.scores):
                sweep = train(landscape, settings, asked.seeds, asked.directory, asked.n_jobs)
                scores.add(asked.scores, landscape, settings, sweep)
        found = compare(landscape, asked.folder, asked.scores, asked.seeds)
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
