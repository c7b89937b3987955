"""Values with identical trials are distinguished from values with merely similar results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.records.axes import Axis
from analysis.records.identity import same_networks
from analysis.records.sweep import Sweep, read_sweep
from analysis.report.description import alike
from analysis.report.sweep_report import write_report
from tests.analysis.synthetic import write_sweep


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Three buffers x two rates x 2 seeds; the networks of the larger two buffers are equal."""
    grid = {"buffer": [500, 17_000, 100_000], "lr": [0.1, 0.2]}
    root = write_sweep(tmp_path / "s", grid, 2, lambda cell, seed: 5000.0)
    for trial in root.glob("buffer=*"):
        content = trial.name.replace("buffer=17000", "buffer=100000").encode()
        (trial / "network.safetensors").write_bytes(content)
    return root


def axes(sweep: Path) -> tuple[Sweep, Axis, Axis]:
    read = read_sweep(sweep)
    buffer, lr = sorted(read.axes, key=lambda axis: axis.name)
    return read, buffer, lr


def test_values_with_equal_networks_are_one_group(sweep: Path) -> None:
    read, buffer, lr = axes(sweep)
    assert same_networks(read, buffer) == [[1, 2]]
    assert same_networks(read, lr) == []


def test_one_other_bit_is_another_trial(sweep: Path) -> None:
    (sweep / "buffer=17000,lr=0.2,seed=1" / "network.safetensors").write_bytes(b"other")
    read, buffer, _ = axes(sweep)
    assert same_networks(read, buffer) == []


def test_another_outcome_is_another_trial(sweep: Path) -> None:
    """As where evaluations differ and the training does not."""
    path = sweep / "buffer=17000,lr=0.2,seed=1" / "result.json"
    result = json.loads(path.read_text())
    path.write_text(json.dumps({**result, "final_return": result["final_return"] + 1}))
    read, buffer, _ = axes(sweep)
    assert same_networks(read, buffer) == []


def test_without_networks_nothing_is_called_equal(sweep: Path) -> None:
    for network in sweep.rglob("network.safetensors"):
        network.unlink()
    read, buffer, _ = axes(sweep)
    assert same_networks(read, buffer) == []


def test_the_report_says_so(sweep: Path) -> None:
    read, buffer, _ = axes(sweep)
    (said,) = alike(buffer, same_networks(read, buffer))
    assert said.startswith("buffer = 17k and 100k gave the same trials")
    assert "They are one result, not 2 results that agree" in said
    assert "buffer = 17k and 100k gave the same trials" in write_report(sweep).read_text()
