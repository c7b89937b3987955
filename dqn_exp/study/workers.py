"""How proposals are run: our own pool, one by one as workers get free, or any Hydra launcher in batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from hydra.core.utils import JobStatus
from hydra.plugins.launcher import Launcher

from dqn_exp.launch import Done, quoted
from dqn_exp.study.proposal import Proposal, SeedFailed, verdict


class Workers(Protocol):
    """What the search needs; `dqn_exp.launch.pool.Pool` is the other one that offers it."""

    @property
    def running(self) -> list[Any]: ...

    @property
    def idle_workers(self) -> int: ...

    def submit(self, task: Any) -> None: ...

    def wait(self, timeout: float | None = None) -> Iterator[Done]: ...

    def close(self, kill: bool = False) -> None: ...


class Batches:
    """Collects proposals and gives them to a Hydra launcher together, one job per seed."""

    def __init__(self, size: int, launcher: Launcher, directory: Path) -> None:
        self._size, self._launcher, self._directory = size, launcher, directory
        self._collected: list[Proposal] = []
        self._launched = 0

    @property
    def running(self) -> list[Proposal]:
        return self._collected

    @property
    def idle_workers(self) -> int:
        return self._size - len(self._collected)

    def submit(self, task: Proposal) -> None:
        self._collected.append(task)

    def wait(self, timeout: float | None = None) -> Iterator[Done]:
        """Run what was collected; `timeout` is not kept, since launchers return when all is over."""
        batch, self._collected = self._collected, []
        jobs = [job for proposal in batch for job in jobs_of(proposal, self._directory)]
        results = iter(self._launcher.launch(jobs, initial_job_idx=self._launched) if jobs else ())
        self._launched += len(jobs)
        for proposal in batch:
            yield _done(proposal, [next(results) for _ in proposal.configs])

    def close(self, kill: bool = False) -> None:
        self._collected.clear()


def jobs_of(proposal: Proposal, directory: Path) -> list[list[str]]:
    """The overrides of each seed, with the place that it has in the study's `directory`."""
    pairs = zip(proposal.overrides, proposal.directories, strict=True)
    return [[*overrides, *place(directory, trial)] for overrides, trial in pairs]


def place(directory: Path, trial: Path) -> list[str]:
    """Overrides that let Hydra run a job in `trial`, which lies below `directory`."""
    places = {"hydra.sweep.dir": directory, "hydra.sweep.subdir": trial.relative_to(directory)}
    return [f"{key}={quoted(str(value))}" for key, value in places.items()]


def _done(proposal: Proposal, results: list[Any]) -> Done:
    failed = [
        (config.seed, result)
        for config, result in zip(proposal.configs, results, strict=True)
        if result.status is not JobStatus.COMPLETED
    ]
    if failed:
        seed, result = failed[0]
        error = SeedFailed(f"seed={seed}: {type(result._return_value).__name__}: {result._return_value}")
        return Done(proposal, None, error, worker_died=False)
    return Done(proposal, verdict(proposal), None, worker_died=False)
