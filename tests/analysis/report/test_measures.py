"""Quality measures of the environments reach the report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.records.sweep import read_sweep
from analysis.report.figures.measures import measure_names, measures_by_value
from tests.analysis.synthetic import write_sweep


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    """Two learning rates x 3 seeds; the distance is 10 times the rate, plus the seed."""
    sweep = write_sweep(tmp_path / "sweep", {"lr": [0.1, 0.2]}, 3, lambda cell, seed: 5000.0)
    for path in sweep.glob("*/result.json"):
        config = json.loads((path.parent / "trial.json").read_text())["config"]
        distance = 10 * config["lr"] + config["seed"]
        path.write_text(
            json.dumps(json.loads(path.read_text()) | {"measures": {"distance_to_target": distance}})
        )
    return sweep


def test_every_trial_is_a_dot_and_every_value_a_mean(measured: Path) -> None:
    sweep = read_sweep(measured)
    assert measure_names(sweep) == ["measures.distance_to_target"]
    figure = measures_by_value(sweep, sweep.axes[0], np.random.default_rng(0))
    (ax,) = figure.axes
    dots = np.ma.getdata(ax.collections[0].get_offsets())
    assert sorted(dots[:, 1]) == pytest.approx([1, 2, 2, 3, 3, 4])
    assert ax.get_title() == "distance to target (m)"
    means = [line.get_ydata() for line in ax.lines if line.get_marker() == "D"]
    assert np.concatenate(means) == pytest.approx([2.0, 3.0])


def test_without_measures_there_is_no_such_figure(buffers: Path) -> None:
    assert measure_names(read_sweep(buffers)) == []
