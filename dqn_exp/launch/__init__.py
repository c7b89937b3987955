"""Many trials: plan and check them before the first starts, run them in parallel, show their progress.

- `sweep` runs a grid.
- `Planner` turns overrides into trials.
- An `Engine` makes the workers that run trials. `Pool` has worker processes on this machine, `RemoteWorkers`
  workers on a cluster (`clusters/`). `engine_of` makes an engine of any launcher of Hydra's.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.launch.axis import axis_values, meaning, range_values
    from dqn_exp.launch.batches import engine_of
    from dqn_exp.launch.clusters import (
        Cluster,
        ClusterLost,
        RemoteWorkers,
        Travel,
        check_kind,
        is_there,
        open_cluster,
    )
    from dqn_exp.launch.combinations import NO_AXES
    from dqn_exp.launch.dry_run import (
        NOTHING_DONE,
        list_seeds,
        make_console,
        print_memory,
        print_time,
        print_trials,
    )
    from dqn_exp.launch.engine import Done, Engine, RunTrials, Workers
    from dqn_exp.launch.garbage import garbage_uncollected
    from dqn_exp.launch.grid import Ending, Swept, sweep
    from dqn_exp.launch.job import write_hydra_directory
    from dqn_exp.launch.looks import SEEDS, UNTIL_DECIDED, SeedsDesign, Taken
    from dqn_exp.launch.memory import bytes_of_replay, check_memory
    from dqn_exp.launch.pairing import read_groups
    from dqn_exp.launch.plan import (
        PlannedTrial,
        Planner,
        is_dry_run,
        pack,
        plain_values,
        quoted,
        with_directory,
    )
    from dqn_exp.launch.pool import Pool, count_workers
    from dqn_exp.launch.preflight import check_parts, check_trackers, resolve_config
    from dqn_exp.launch.progress import episode_cells, shows_live, time_text
    from dqn_exp.launch.prospects import check_prospects, print_doubts
    from dqn_exp.launch.reuse import Reuse, read_reuse
    from dqn_exp.launch.runner import running_on_workers
    from dqn_exp.launch.server import start_server, stop_server
    from dqn_exp.launch.shards import refuse_shard
    from dqn_exp.launch.tables import print_rows
    from dqn_exp.launch.task import run_single
    from dqn_exp.launch.warm_start import check_init_from_visible

__getattr__ = lazy(__name__, __file__)
