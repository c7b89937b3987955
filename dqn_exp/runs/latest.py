"""The progress of a running trial, read from the end of its episodes file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from dqn_exp.runs.metrics import metrics_path


class LatestEpisode(NamedTuple):
    """A line of the episodes file: the counts when the episode ended, and its return."""

    number: int
    env_steps: int
    total_return: float


def last_episode(directory: Path) -> LatestEpisode | None:
    """The latest complete line of the episodes file of a trial; None before the first one."""
    try:
        with open(metrics_path(directory, "episodes"), "rb") as file:
            file.seek(max(0, file.seek(0, 2) - 400))
            lines = file.read().rpartition(b"\n")[0].decode().splitlines()
        number, env_steps, _, total_return, *_ = lines[-1].split(",")
        return LatestEpisode(int(number), int(env_steps), float(total_return))
    except (OSError, IndexError, ValueError):
        return None
