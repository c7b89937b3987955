"""Trains trials of both programs, each in its own process, and keeps their scores in a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from joblib import Parallel, delayed

from tests.benchmarks.published.works import WORKS
from tests.benchmarks.steps import HERE, ONE_THREAD, ROOT, SB3_PYTHON

PROTOCOL = {"evaluation_episodes": 10, "last_episodes": 100, "final_episodes": 100}
"""Episodes of a greedy evaluation; training episodes at the end that count; greedy episodes after training.
The same for both sides."""
SCORES = {
    "greedy": "greedy after training",
    "last_episodes": "last 100 training episodes",
    "best": "best evaluation",
}

COLUMNS = ["environment", "seed", "side", "program", *SCORES]
PYTHONS = {"sb3": SB3_PYTHON, "ours": Path(sys.executable)}


class Trial(NamedTuple):
    environment: str
    seed: int
    side: str


def read(file: Path) -> pd.DataFrame:
    """One row per trial that has ended."""
    return pd.read_csv(file) if file.exists() else pd.DataFrame(columns=COLUMNS)


def missing(trials: Iterable[Trial], file: Path) -> list[Trial]:
    """Those whose scores `file` does not hold."""
    there = set(read(file)[list(Trial._fields)].itertuples(index=False, name=None))
    return [trial for trial in trials if trial not in there]


def train(trial: Trial) -> tuple[Trial, dict[str, Any] | str]:
    """With its scores and the program that reached them, or with what it said when it failed."""
    told = {**WORKS[trial.environment]._asdict(), **PROTOCOL, **trial._asdict()}
    script = HERE / "peers" / f"trained_{trial.side}.py"
    ended = subprocess.run(
        [PYTHONS[trial.side], script, json.dumps(told)],
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    return trial, ended.stderr if ended.returncode else json.loads(ended.stdout.splitlines()[-1])


def train_all(trials: Iterable[Trial], jobs: int, file: Path) -> Iterator[tuple[Trial, str]]:
    """Train `jobs` at a time and write each to `file` as it ends; yields it with its scores or its error."""
    parallel = Parallel(jobs, prefer="threads", return_as="generator_unordered")
    for trial, found in parallel(delayed(train)(trial) for trial in trials):
        if isinstance(found, str):
            yield trial, found
            continue
        row = pd.DataFrame([{**trial._asdict(), **found}], columns=COLUMNS)
        row.to_csv(file, mode="a", header=not file.exists(), index=False)
        yield trial, ", ".join(f"{name} {found[key]:.1f}" for key, name in SCORES.items())
