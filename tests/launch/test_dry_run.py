"""A dry run prints the trials and their cost, and does nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from dqn_exp.config import Config
from dqn_exp.launch.dry_run import list_seeds
from dqn_exp.launch.pace import NoPaceError, Pace, kind
from tests.helpers import make_values
from tests.program import TINY, run_here, tree

MEASURED = Pace(step=0.1, greedy_step=0.01, episode=20.0)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """`run_here` writes beside its directory."""
    (tmp_path / "cwd").mkdir()
    return tmp_path / "cwd"


@pytest.fixture
def _measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(configs: Sequence[Config], at_a_time: int) -> dict[str, Pace]:
        return {kind(config): MEASURED for config in configs}

    monkeypatch.setattr("dqn_exp.launch.dry_run.measure_kinds", measured)


@pytest.mark.usefixtures("_measured")
def test_a_sweep(place: Path) -> None:
    command = ("-m", *TINY, "buffer=500,17k", "seed=range(5)", "lr=0.5", "hydra.launcher.n_jobs=2")
    ended = run_here(*command, "dry_run=true", cwd=place)
    assert (ended.code, ended.err) == (0, "")
    assert "10 trials in outputs/sweeps/" in ended.out
    rows = [line.split("│")[1:-1] for line in ended.out.splitlines() if line.startswith("│")]
    cells = [[cell.strip() for cell in row] for row in rows]
    assert cells == [["500", "0-4", "5 to run"], ["17k", "0-4", "5 to run"]]
    # 400 rows of 48 bytes in each
    assert "Memory: 38400 bytes for the replays of 2 trials at a time" in ended.out
    # five times 400 steps of 0.1 s, each with evaluations of 3 episodes
    assert "Time: about 0:03:23 to 0:04:35 with 2 workers." in ended.out
    assert "An estimate, from a second of training of the first configuration (10 steps/s)" in ended.out
    assert list(place.iterdir()) == []


@pytest.mark.usefixtures("_measured")
def test_what_is_finished_is_told_and_left_alone(place: Path) -> None:
    command = ("-m", *TINY, "seed=0,1", "buffer=500,1k", "hydra.sweep.dir=s", "hydra/launcher=basic")
    assert run_here(*command, cwd=place).code == 0
    (place / "s" / "buffer=500,seed=1" / "result.json").unlink()
    (unfinished,) = (place / "s").glob("buffer=1k,seed=0/result.json")
    unfinished.write_text(unfinished.read_text().replace("exhausted", "interrupted"))
    before = tree(place)
    ended = run_here(*command, "dry_run=true", cwd=place)
    assert ended.code == 0, ended.said
    assert "4 trials in s: 2 finished, 1 begun, 1 to run" in ended.out
    assert "1 finished, 1 to run │" in ended.out
    assert "1 begun, 1 finished │" in ended.out
    assert "The launcher decides how many" in ended.out
    assert tree(place) == before
    foreign = run_here(*command, "dry_run=true", "gamma=0.5", cwd=place)
    assert foreign.code == 2
    assert "already holds a trial of another configuration" in foreign.err


def test_one_trial_measured_in_earnest(place: Path) -> None:
    ended = run_here("dry_run=true", *TINY, "hydra.run.dir=here", cwd=place)
    assert ended.code == 0, ended.said
    assert "1 trial in here: 1 to run" in ended.out
    assert "Time: about 0:00:01 with 1 worker." in ended.out
    assert list(place.iterdir()) == []


def test_a_trial_that_cannot_be_trained(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise NoPaceError("RuntimeError: the pole broke")

    monkeypatch.setattr("dqn_exp.launch.dry_run.measure_kinds", fail)
    ended = run_here("dry_run=true", *TINY, cwd=place)
    assert ended.code == 0
    assert "Time: unknown, because the measured training failed: RuntimeError: the pole broke" in ended.out


def test_it_is_no_part_of_a_trial() -> None:
    assert not {"dry_run", "zip"} & set(make_values(dry_run=True))


@pytest.mark.parametrize(
    ("seeds", "text"),
    [
        ([3], "3"),
        ([0, 1], "0, 1"),
        ([2, 0, 1], "0-2"),
        ([0, 5, 7], "0, 5, 7"),
        (range(0, 100, 2), "50 from 0 to 98"),
    ],
)
def test_seeds_are_listed_shortly(seeds: Sequence[int], text: str) -> None:
    assert list_seeds(seeds) == text
