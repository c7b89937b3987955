"""Cheap tasks: a process that runs one imports only this module."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Task:
    """Number `number` does as `kind` says and leaves a file for each time that it is begun."""

    number: int
    folder: Path
    kind: str = "value"

    @property
    def hydra_jobs(self) -> dict[str, list[str]]:
        return {"first": ["a"], "second": [self.kind]}


def work(task: Task) -> int:
    with open(task.folder / str(task.number), "a") as file:
        print(os.getpid(), file=file)
    if task.kind == "raise":
        raise ValueError(f"number {task.number}")
    if task.kind == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if task.kind == "sleep":
        time.sleep(120)
    return 10 * task.number
