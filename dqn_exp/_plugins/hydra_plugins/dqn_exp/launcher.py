"""`hydra/launcher=parallel`: trials in parallel processes of this machine; an engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from dqn_exp import launch as launching  # a face, whose modules are imported as they are used
from dqn_exp.config import ConfigError


class ParallelLauncher(Launcher):
    can_prune = True

    def __init__(self, n_jobs: int, retries: int, patience: float | None = None) -> None:
        """Raises ConfigError for numbers that mean nothing."""
        launching.count_workers(n_jobs)
        if not isinstance(retries, int) or retries < 0:
            raise ConfigError(f"hydra.launcher.retries={retries!r}: allowed: whole numbers from 0 on")
        if patience is not None and (not isinstance(patience, int | float) or not patience >= 2):
            raise ConfigError(
                f"hydra.launcher.patience={patience!r}: allowed: seconds that a trial may go without a step, "
                f"at least 2 and more than its start takes (compiling may take half a minute), or null"
            )
        self._n_jobs = n_jobs
        self.retries = retries
        self._patience = patience

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self._context, self._task, self._config = hydra_context, task_function, config
        if config.hydra.job.env_set:  # for what reads its environment when it is imported
            launching.stop_server()
            launching.start_server(preload=False)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        jobs = [list(job) for job in job_overrides]
        return launching.launch(self, self._context, self._config, jobs, initial_job_idx)

    def at_a_time(self, n_jobs: int | None = None) -> int:
        return launching.count_workers(n_jobs or self._n_jobs)

    def workers(self, function: Callable[[Any], Any], n_jobs: int | None = None) -> launching.Pool:
        return launching.Pool(self.at_a_time(n_jobs), function, self._patience)
