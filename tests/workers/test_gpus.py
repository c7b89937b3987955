"""The assignment of trials to GPUs; the tests need no GPU."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dqn_exp.workers.gpus import on_gpu, visible_gpus
from dqn_exp.workers.pool import Pool


@pytest.mark.parametrize(
    ("named", "expected"),
    [("0,1", ["0", "1"]), ("GPU-a1, GPU-b2", ["GPU-a1", "GPU-b2"]), ("3", ["3"]), ("", []), ("-1", [])],
)
def test_what_the_environment_names_counts(named: str, expected: list[str], tmp_path: Path) -> None:
    (tmp_path / "proc" / "driver" / "nvidia" / "gpus" / "0000:01:00.0").mkdir(parents=True)
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": named}, tmp_path) == expected


def test_otherwise_all_that_the_driver_lists(tmp_path: Path) -> None:
    assert visible_gpus({}, tmp_path) == []
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / "proc" / "driver" / "nvidia" / "gpus" / name).mkdir(parents=True)
    assert visible_gpus({}, tmp_path) == ["0", "1"]


def test_places_are_dealt_out_in_turn() -> None:
    """Five trials on two GPUs: three and two."""
    dealt = [on_gpu(place, ["4", "7"]) for place in range(5)]
    assert [one["CUDA_VISIBLE_DEVICES"] for one in dealt] == ["4", "7", "4", "7", "4"]
    assert on_gpu(3, []) == {}


def seen(task: int) -> str | None:
    return os.environ.get("CUDA_VISIBLE_DEVICES")


def test_each_worker_keeps_its_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also a new one at the place of one that was stopped."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    pool = Pool(3, seen)
    for task in range(3):
        pool.submit(task)
    values = {}
    while pool.running:
        values |= {done.task: done.value for done in pool.wait()}
    pool.close()
    assert values == {0: "4", 1: "7", 2: "4"}
