"""A sweep in looks on simulated workers: real looks, runner and decisions, simulated time, no training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig

from analysis.estimates import sequential
from analysis.estimates.blocked import Trials
from dqn_exp.launch.looks import LookProgress, SeedsDesign, Taken, run_looks
from dqn_exp.plan.planner import PlannedTrial, pack
from dqn_exp.workers.engine import Done
from dqn_exp.workers.runner import TrialRunner
from dqn_exp.workers.worker import Job
from tests.helpers import make_config


class Engine:
    """Of `n` workers; a task takes the `seconds` of its name, and its worker dies so many `deaths`."""

    can_prune, shares_files, retries = False, True, 1

    def __init__(
        self, n: int, seconds: Callable[[str], float], deaths: Mapping[str, int] | None = None
    ) -> None:
        self.n, self.seconds, self.deaths = n, seconds, Counter(deaths)
        self.clock = self.busy = 0.0
        self.begun: list[str] = []
        self.idle: list[tuple[int, int]] = []
        """At each wait: how many workers were idle, and how many tasks had been begun."""
        self.running: list[Job] = []
        self._ends: dict[str, float] = {}

    def reach(self) -> None: ...

    def at_a_time(self, n_jobs: int | None = None) -> int:
        return self.n

    def workers(self, function: Callable[[Any], Any], n_jobs: int | None = None) -> Engine:
        return self

    @property
    def idle_workers(self) -> int:
        return self.n - len(self.running)

    def submit(self, task: Job) -> None:
        assert self.idle_workers
        self.begun.append(task.name)
        self.running.append(task)
        self._ends[task.name] = self.clock + self.seconds(task.name)
        self.busy += self.seconds(task.name)

    def stop(self, task: Job) -> None:
        self.running.remove(task)
        self.busy -= self._ends[task.name] - self.clock

    def wait(self, timeout: float | None = None) -> Iterator[Done]:
        self.idle.append((self.idle_workers, len(self.begun)))
        task = min(self.running, key=lambda job: self._ends[job.name])
        self.running.remove(task)
        self.clock = self._ends[task.name]
        self.deaths[task.name] -= 1
        if self.deaths[task.name] >= 0:
            yield Done(task, error=RuntimeError("it died"), death="SIGKILL(-9)")
        else:
            yield Done(task, JobReturn(status=JobStatus.COMPLETED, _return_value=task.name))

    def close(self, kill: bool = False) -> None:
        for task in list(self.running):
            self.stop(task)


def make_job(name: str, sweep: Path) -> Job:
    config = {"hydra": {"sweep": {"dir": str(sweep)}, "overrides": {"task": []}}}
    return Job(name, sweep, name, pack(DictConfig(config)), b"")


class Simulated:
    """A sweep of simulated trials, value "0" against the others, on an engine."""

    def __init__(
        self, trials: Trials, looks: Sequence[int], paths: int = 200, horizon: float = 50_000
    ) -> None:
        self.trials, self.looks, self.paths, self.horizon = trials, looks, paths, horizon
        values, config = range(int(trials.values.max()) + 1), make_config()
        self.planned = [
            PlannedTrial(
                f"{value},seed={seed}",
                (f"seed={seed}", f"value={value}"),
                config.model_copy(update={"seed": seed}),
                pack(DictConfig({})),
            )
            for seed in range(looks[-1])
            for value in values
        ]
        self.recorded: list[LookProgress] = []

    def seconds(self, name: str) -> float:
        """A trial ends when it converges."""
        value, seed = (int(part.removeprefix("seed=")) for part in name.split(","))
        found = (self.trials.values == value) & (self.trials.seeds == seed)
        return float(self.trials.times[found][0])

    def run(self, engine: Engine, place: Path, ahead: bool = True) -> sequential.Decisions:
        jobs = {one.name: make_job(one.name, place) for one in self.planned}
        design = SeedsDesign(first=0, looks=tuple(self.looks), margin=(0.8, 1.25), alpha=0.05)
        with TrialRunner(engine, engine.retries) as runner:

            def run_trials(now: Sequence[PlannedTrial], later: Iterable[PlannedTrial]) -> list[JobReturn]:
                return runner.run([jobs[one.name] for one in now], (jobs[one.name] for one in later if ahead))

            run_looks(design, self.planned, LookProgress(()), run_trials, self._look, self.recorded.append)
        return self._decide()

    def _decide(self) -> sequential.Decisions:
        """From what is recorded as asked for, as a reader of `sweep.json` does."""
        there = {(one.overrides[1], one.config.seed) for one in self.recorded[-1].trials}
        keys = zip(self.trials.values.tolist(), self.trials.seeds.tolist(), strict=True)
        read = self.trials.where(np.array([(f"value={value}", seed) in there for value, seed in keys]))
        design = sequential.Design(tuple(self.looks), paths=self.paths)
        return sequential.decide(read, range(self.looks[-1]), 0, self.horizon, design)

    def _look(self, lost: Sequence[str]) -> Taken:
        found = self._decide()
        seeds = {one.name: found.seeds_needed[int(one.name.partition(",")[0])] for one in self.planned}
        return Taken(found.is_over, seeds, [look._asdict() for look in found.looks])
