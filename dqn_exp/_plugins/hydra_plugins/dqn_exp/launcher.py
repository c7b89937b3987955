"""`hydra/launcher=parallel`, `dask`, `ray` and `slurm`: engines for this machine and for clusters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from hydra_plugins.dqn_exp.options import plain
from omegaconf import DictConfig

from dqn_exp import launch as launching  # these are lazy: their modules are imported at first use
from dqn_exp import plan as planning
from dqn_exp import workers as working
from dqn_exp.config import ConfigError

NOT_IN_JOBS = "hydra/sweeper=basic runs all trials that it makes; allowed: with hydra/sweeper=grid"


class EngineLauncher(Launcher):
    """Base class of launchers that are engines."""

    can_prune = True
    shares_files = True
    trains_here = True

    def __init__(self, retries: int, patience: float | None) -> None:
        """Raises ConfigError for invalid numbers."""
        if not isinstance(retries, int) or retries < 0:
            raise ConfigError(f"hydra.launcher.retries={retries!r}: allowed: whole numbers >= 0")
        if patience is not None and (not isinstance(patience, int | float) or not patience >= 2):
            raise ConfigError(
                f"hydra.launcher.patience={patience!r}: allowed: seconds that a trial may take without a "
                f"step, at least 2 and longer than its start (compiling may take half a minute), or null"
            )
        self.retries = retries
        self._patience = patience

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self._context, self._task, self._config = hydra_context, task_function, config

    def reach(self) -> None:
        """Do nothing: this machine is at hand."""

    @abstractmethod
    def at_a_time(self, n_jobs: int | None = None) -> int | None: ...

    @abstractmethod
    def workers(self, function: Callable[[Any], Any], n_jobs: int | None = None) -> working.Workers: ...

    def running(
        self, trials: Sequence[planning.PlannedTrial], directory: Path
    ) -> AbstractContextManager[working.RunTrials]:
        return working.running_on_workers(self, self._context, trials, directory)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Called by other sweepers: run these jobs, return their results in order."""
        launching.refuse_shard(self._config, NOT_IN_JOBS)
        trials = self._planner.plan(job_overrides, initial_job_idx)
        if not trials:
            return []
        with self.running(trials, Path(trials[0].sweep_dir)) as run:
            return run(trials)

    @cached_property
    def _planner(self) -> planning.Planner:
        """One for all calls of `launch`, because it keeps what it has composed."""
        return planning.Planner(self._context.config_loader, self._config, self.trains_here)


class ParallelLauncher(EngineLauncher):
    def __init__(self, n_jobs: int, retries: int, patience: float | None = None) -> None:
        working.count_workers(n_jobs)
        super().__init__(retries, patience)
        self._n_jobs = n_jobs

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        if config.hydra.job.env_set:  # modules may read these variables when imported
            working.stop_server()
            working.start_server(preload=False)

    def at_a_time(self, n_jobs: int | None = None) -> int:
        return working.count_workers(n_jobs or self._n_jobs)

    def workers(self, function: Callable[[Any], Any], n_jobs: int | None = None) -> working.Pool:
        return working.Pool(self.at_a_time(n_jobs), function, self._patience)


class ClusterLauncher(EngineLauncher):
    """Runs trials on a cluster of a kind that `launch.open_cluster` knows, with the `options` of the kind."""

    trains_here = False

    def __init__(
        self,
        kind: str,
        retries: int,
        patience: float | None = None,
        shared: bool = True,
        checkpoint_seconds: float = 60,
        **options: Any,
    ) -> None:
        working.check_kind(kind, shared, options)
        super().__init__(retries, patience)
        if not isinstance(checkpoint_seconds, int | float) or not checkpoint_seconds > 0:
            raise ConfigError(
                f"hydra.launcher.checkpoint_seconds={checkpoint_seconds!r}: allowed: a number of seconds > 0"
            )
        self.shares_files = shared
        self._kind, self._options = kind, {key: plain(value) for key, value in options.items()}
        self._reached: working.Cluster | None = None
        self.travel = working.Travel(None if shared else checkpoint_seconds, patience)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        self.travel = replace(self.travel, preload=not config.hydra.job.env_set)

    def reach(self) -> None:
        """Connect to a cluster that should be there already; our own clusters are started later."""
        if working.is_there(self._kind, self._options):
            self._reached = working.open_cluster(self._kind, **self._options)

    def at_a_time(self, n_jobs: int | None = None) -> None:
        """None: unknown, because the cluster may use other machines."""

    def workers(self, function: Callable[[Any], Any], n_jobs: int | None = None) -> working.RemoteWorkers:
        cluster = self._reached or working.open_cluster(self._kind, **self._options)
        self._reached = None
        return working.RemoteWorkers(cluster, function, self.travel, n_jobs)
