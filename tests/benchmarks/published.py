"""Do published settings give published results? Final greedy returns beside CleanRL's and RL Zoo's.

    python -m tests.benchmarks.published [--seeds 5] [--directory outputs/published]

Each work is an ordinary sweep; run again, what is finished is not trained again. CleanRL's figure is
the mean return of its last training episodes (3 seeds), RL Zoo's that of one tuned agent over 150 000
greedy steps. Ours: 100 greedy episodes at the end of training, and the last 100 training episodes;
mean and standard deviation over seeds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from analysis import load_curves, load_runs


class Work(NamedTuple):
    name: str
    overrides: tuple[str, ...]
    published: str


WORKS = (
    Work("CleanRL CartPole-v1", ("experiment=cleanrl", "env=cartpole"), "488.69 ± 16.11"),
    Work("CleanRL Acrobot-v1", ("experiment=cleanrl", "env=acrobot"), "-91.54 ± 7.20"),
    Work("CleanRL MountainCar-v0", ("experiment=cleanrl", "env=mountaincar"), "-194.95 ± 8.48"),
    Work("RL Zoo CartPole-v1", ("experiment=zoo_cartpole",), "500 ± 0"),
    Work("RL Zoo Acrobot-v1", ("experiment=zoo_acrobot",), "-76.6 ± 11.8"),
    Work("RL Zoo MountainCar-v0", ("experiment=zoo_mountaincar",), "-100.8 ± 9.9"),
    Work("RL Zoo LunarLander", ("experiment=zoo_lunarlander",), "154.4 ± 79.2 (v2)"),
)


def train(work: Work, seeds: int, sweep: Path) -> None:
    options = (
        f"seed=range({seeds})",
        f"hydra.sweep.dir={sweep}",
        "evaluation.final_episodes=100",
        "report=false",
    )
    subprocess.run([sys.executable, "-m", "dqn_exp", "-m", *work.overrides, *options], check=True)


def measure(sweep: Path) -> tuple[int, str, str]:
    """Number of trials, and two scores as "mean ± deviation over them"."""
    greedy = load_runs(sweep)["final_return"]
    training = load_curves(sweep, "episodes").groupby("run")["return"].apply(lambda one: one.tail(100).mean())
    texts = [f"{scores.mean():.1f} ± {scores.std():.1f}" for scores in (greedy, training)]
    return len(greedy), texts[0], texts[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--directory", type=Path, default=Path("outputs/published"))
    arguments = parser.parse_args()
    table = Table("settings", "published", "seeds", "ours, greedy", "ours, last 100 episodes")
    for work in WORKS:
        sweep = arguments.directory / work.name.replace(" ", "_")
        train(work, arguments.seeds, sweep)
        n, greedy, training = measure(sweep)
        table.add_row(work.name, work.published, str(n), greedy, training)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
