"""How busy two workers are over a study whose proposals differ in length by 10x.

    python tests/benchmarks/study_utilisation.py [N_PROPOSALS]

Utilisation is the time that trials spend in training and evaluating (`wall_seconds` of their
records) divided by workers x the time from the first claim to the last score. Starting the workers,
choosing parameters, the last evaluation of each trial and waiting at the end all count as lost time.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import optuna

from analysis import load_runs
from dqn_exp.study.storage import open_storage

WORKERS = 2
LENGTHS = "budget.env_steps=40k,80k,120k,160k,200k,240k,280k,320k,360k,400k"
OPTIONS = (
    "seed=range(3)",
    "objective=final_return",
    "evaluation.every_steps=5k",
    "evaluation.episodes=1",
    "evaluation.final_episodes=5",
    "confirm.top=0",
    "report=false",
    "reuse=none",
)


def run_study(place: Path, n_trials: int) -> optuna.Study:
    where = (f"hydra.sweep.dir={place}", "hydra.sweeper.study_name=s", f"hydra.launcher.n_jobs={WORKERS}")
    space = (LENGTHS, "lr=tag(log,interval(1e-4,1e-2))", f"hydra.sweeper.n_trials={n_trials}")
    command = (sys.executable, "-m", "dqn_exp", "-m", "hydra/sweeper=optuna", *space, *OPTIONS, *where)
    subprocess.run(command, check=True)
    return optuna.load_study(study_name="s", storage=open_storage(str(place / "journal.log")))


def utilisation(study: optuna.Study, busy: float) -> float:
    """`busy`: seconds that all trials together spent in training."""
    trials = study.get_trials()
    starts = [trial.datetime_start for trial in trials if trial.datetime_start is not None]
    ends = [trial.datetime_complete for trial in trials if trial.datetime_complete is not None]
    return busy / (WORKERS * (max(ends) - min(starts)).total_seconds())


def main() -> None:
    n_trials = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    with tempfile.TemporaryDirectory() as folder:
        study = run_study(Path(folder), n_trials)
        seconds = load_runs(folder)["wall_seconds"]
        print(f"{n_trials} proposals of {seconds.min():.1f} to {seconds.max():.1f} s")
        print(f"utilisation of {WORKERS} workers: {utilisation(study, seconds.sum()):.1%}")


if __name__ == "__main__":
    main()
