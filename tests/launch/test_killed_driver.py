"""The driver may be killed at any time; the same command then continues the sweep."""

from __future__ import annotations

import json
import os
import random
import signal
from pathlib import Path

import pandas as pd
import pytest

from analysis import load_runs
from tests.program import (
    TINY,
    alive,
    descendants,
    finish,
    records,
    run,
    run_here,
    start,
    tree,
    wait_until,
)

LONG_ENOUGH = ("budget.env_steps=4k", "checkpoint.every_seconds=0")
"""To be killed in the middle of a trial: a second or two."""
SWEEP = ("-m", *TINY, *LONG_ENOUGH, "buffer=100,1k", "hydra.launcher.n_jobs=2")
SEEDS = "seed=1,2"
CLOCKS = ["wall_seconds", "env_steps_per_second"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweep without any accident, on two workers."""
    place = tmp_path_factory.mktemp("undisturbed")
    ended = run(*SWEEP, SEEDS, "hydra.sweep.dir=sweep", cwd=place)
    assert ended.code == 0, ended.said
    return place / "sweep"


def table(sweep: Path) -> pd.DataFrame:
    return load_runs(sweep).drop(columns=CLOCKS).sort_values("run", ignore_index=True)


def episodes_ended(place: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in place.rglob("episodes.csv"))


def test_killed_at_random_times_it_ends_with_the_same_table(undisturbed: Path, tmp_path: Path) -> None:
    """Without a directory on the command line: the interrupted sweep is found again."""
    draw, total = random.Random(3), episodes_ended(undisturbed)
    for limit in sorted(draw.randrange(total // 2) for _ in range(2)):
        driver = start(*SWEEP, SEEDS, cwd=tmp_path)
        wait_until(lambda: episodes_ended(tmp_path) > limit or driver.poll() is not None)  # noqa: B023
        family = descendants(driver.pid)
        driver.kill()
        driver.wait()
        wait_until(lambda: not alive(family))  # noqa: B023
        assert any(not (t / "network.safetensors").exists() for t in tmp_path.glob("outputs/sweeps/*/*=*"))
    ended = run(*SWEEP, SEEDS, cwd=tmp_path)
    assert ended.code == 0, ended.said
    (sweep,) = (tmp_path / "outputs" / "sweeps").iterdir()
    pd.testing.assert_frame_equal(table(sweep), table(undisturbed))
    for trial in table(undisturbed)["run"]:
        assert records(sweep / trial) == records(undisturbed / trial)
    assert not list(sweep.rglob("*.tmp"))
    assert not list(sweep.rglob("checkpoint.safetensors"))


@pytest.mark.parametrize("place", ["other order", "alone", "basic launcher", "basic sweeper"])
def test_a_trial_is_the_same_everywhere(place: str, undisturbed: Path, tmp_path: Path) -> None:
    trial = undisturbed / "buffer=1k,seed=2"
    job = [o for o in SWEEP[1:] if not o.startswith(("buffer=", "hydra."))]
    sweep = ["-m", *job, "hydra.sweep.dir=sweep"]
    arguments, found = {
        "other order": ([*sweep, "buffer=1k,100", "seed=2,1", "hydra.launcher.n_jobs=1"], trial.name),
        "alone": ([*job, "buffer=1k", "seed=2", "hydra.run.dir=sweep/alone"], "alone"),
        "basic launcher": ([*sweep, "buffer=1k", "seed=3,2", "hydra/launcher=basic"], "seed=2"),
        "basic sweeper": ([*sweep, "buffer=1k", "seed=3,2", "hydra/sweeper=basic"], "seed=2"),
    }[place]
    ended = run_here(*arguments, cwd=tmp_path)
    assert ended.code == 0, ended.said
    assert records(tmp_path / "sweep" / found) == records(trial)


def test_a_finished_sweep_is_not_continued(undisturbed: Path) -> None:
    """The same command with its directory trains nothing again; without one it starts a new sweep."""
    before = {name: content for name, content in tree(undisturbed).items() if name.endswith(".csv")}
    ended = run_here(*SWEEP, SEEDS, f"hydra.sweep.dir={undisturbed}", cwd=undisturbed.parent)
    assert ended.code == 0
    assert {name: content for name, content in tree(undisturbed).items() if name.endswith(".csv")} == before


def test_another_configuration_in_the_directory_is_refused(undisturbed: Path) -> None:
    before = tree(undisturbed)
    ended = run_here(*SWEEP, SEEDS, "gamma=0.5", f"hydra.sweep.dir={undisturbed}", cwd=undisturbed.parent)
    assert ended.code == 2
    assert "already holds a trial of another configuration" in ended.err
    assert tree(undisturbed) == before


def test_another_single_trial_in_the_directory_is_refused(undisturbed: Path) -> None:
    trial, before = undisturbed / "buffer=1k,seed=2", tree(undisturbed)
    ended = run_here(*TINY, "seed=5", f"hydra.run.dir='{trial}'", cwd=undisturbed.parent)
    assert ended.code == 2
    assert "already holds a trial of another configuration" in ended.err
    assert tree(undisturbed) == before


LONG = ("-m", "budget.env_steps=10M", "evaluation.every_steps=null", "report=false", "seed=0,1")


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_in_order(kind: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C reaches the whole process group, SIGTERM the driver alone; meanwhile nobody else gets in."""
    arguments = (*LONG, "hydra.launcher.n_jobs=2", "hydra.sweep.dir=sweep")
    driver = start(*arguments, cwd=tmp_path)
    sweep = tmp_path / "sweep"
    wait_until(lambda: all((sweep / f"seed={s}" / "episodes.csv").exists() for s in (0, 1)))
    if kind is signal.SIGINT:
        refuses_a_second_process(sweep, arguments)
    family = descendants(driver.pid)
    assert len(family) >= 2
    if kind is signal.SIGINT:
        os.killpg(driver.pid, kind)
    else:
        driver.send_signal(kind)
    ended = finish(driver, tmp_path)
    assert ended.code == 128 + kind
    assert "Interrupted. The same command continues." in ended.err
    assert "Traceback" not in ended.said
    wait_until(lambda: not alive(family))
    for trial in sweep.glob("seed=*"):
        assert json.loads((trial / "result.json").read_text())["status"] == "interrupted"


def test_nothing_goes_on_without_its_driver(tmp_path: Path) -> None:
    """The next driver writes where they would."""
    driver = start(*LONG, "hydra.launcher.n_jobs=2", "hydra.sweep.dir=sweep", cwd=tmp_path)
    wait_until(lambda: all((tmp_path / "sweep" / f"seed={s}" / "episodes.csv").exists() for s in (0, 1)))
    family = descendants(driver.pid)
    driver.kill()
    driver.wait()
    wait_until(lambda: not alive(family))


def refuses_a_second_process(sweep: Path, arguments: tuple[str, ...]) -> None:
    """The trials go on meanwhile, so that only what a second driver would write can be compared."""

    def written() -> dict[str, bytes]:
        return {name: data for name, data in tree(sweep).items() if ".hydra" in name or "/" not in name}

    before = written()
    other = sweep.parent / "other"
    other.mkdir()
    for second in (arguments, (*arguments, "lr=0.1")):
        second = tuple(o.replace("hydra.sweep.dir=sweep", f"hydra.sweep.dir={sweep}") for o in second)
        ended = run_here(*second, cwd=other)
        assert ended.code == 2
        assert ended.err.startswith(f"{sweep} is in use by another process.")
    alone = run_here(*LONG[1:-1], "seed=0", f"hydra.run.dir='{sweep}/seed=0'", cwd=other)
    assert alone.code == 2
    assert "is in use by another process" in alone.err
    assert written() == before
