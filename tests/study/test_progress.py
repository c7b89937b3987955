"""The display of progress of a running proposal."""

from __future__ import annotations

from pathlib import Path

from dqn_exp.runs.metrics import COLUMNS, MetricsWriter, metrics_path
from dqn_exp.study.progress import describe, slowest_seed


def trial(place: Path, seed: int, *env_steps: int) -> Path:
    directory = place / f"seed={seed}"
    directory.mkdir()
    writer = MetricsWriter(metrics_path(directory, "episodes"), COLUMNS["episodes"])
    for episode, steps in enumerate(env_steps, 1):
        writer.append((episode, steps, 0, 20.5, 20, 0.1))
    writer.close()
    return directory


def test_the_seed_furthest_behind_is_shown(tmp_path: Path) -> None:
    """By the number: "1 000" comes before "900" in the alphabet."""
    seeds = [trial(tmp_path, 0, 100, 1000), trial(tmp_path, 1, 900), trial(tmp_path, 2)]
    assert slowest_seed(seeds).name == "seed=1"
    assert slowest_seed(seeds[2:]).name == "seed=2"


def test_parameters_are_told_in_few_digits() -> None:
    assert (
        describe({"lr": 0.00123456, "batch": 32, "init_from": None}) == "lr=0.001235 batch=32 init_from=null"
    )
