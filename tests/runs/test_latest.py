"""The progress of a running trial is read from a file that is being written."""

from __future__ import annotations

from pathlib import Path

import pytest

from dqn_exp.runs import last_episode
from dqn_exp.runs.latest import LatestEpisode
from dqn_exp.runs.metrics import MetricsWriter, metrics_path

COLUMNS = ("episode", "env_step", "update", "return", "length", "epsilon")


@pytest.fixture
def trial(tmp_path: Path) -> Path:
    writer = MetricsWriter(metrics_path(tmp_path, "episodes"), COLUMNS)
    for number in range(1, 101):
        writer.append((number, 20 * number, 5 * number, 19.5, 20, 0.5))
    writer.close()
    return tmp_path


def test_the_latest_episode_is_told(trial: Path) -> None:
    assert last_episode(trial) == LatestEpisode(number=100, env_steps=2000, total_return=19.5)


def test_a_line_that_is_not_whole_yet_does_not_count(trial: Path) -> None:
    with open(metrics_path(trial, "episodes"), "a") as file:
        file.write("101,2020,50")
    assert last_episode(trial) == LatestEpisode(100, 2000, 19.5)


def test_before_the_first_episode_there_is_none(tmp_path: Path) -> None:
    assert last_episode(tmp_path) is None
    MetricsWriter(metrics_path(tmp_path, "episodes"), COLUMNS).close()
    assert last_episode(tmp_path) is None
