"""Where trials run: workers on this machine or on a cluster, and what a worker does.

An `Engine` makes the workers. `Pool` has worker processes on this machine, `RemoteWorkers` has workers on a
cluster (`clusters/`), and `engine_of` makes an engine of any launcher of Hydra's.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.workers.batches import engine_of
    from dqn_exp.workers.clusters import (
        Cluster,
        ClusterLost,
        RemoteWorkers,
        Travel,
        check_kind,
        is_there,
        open_cluster,
    )
    from dqn_exp.workers.engine import Done, Engine, RunTrials, Workers
    from dqn_exp.workers.job import write_hydra_directory
    from dqn_exp.workers.pool import Pool, count_workers
    from dqn_exp.workers.progress import episode_cells, shows_live, time_text, tracker_failure_line
    from dqn_exp.workers.runner import refuse_foreign_trials, running_on_workers
    from dqn_exp.workers.server import start_server, stop_server
    from dqn_exp.workers.task import run_single

__getattr__ = lazy(__name__, __file__)
