"""Engines on many machines, through existing schedulers: dask, ray and Slurm.

`open_cluster` connects to a cluster by its kind; `RemoteWorkers` are the workers of an engine on it. On each
machine, `host.py` runs each task in a separate process, as the pool does locally. `files.py` transfers the
files of tasks.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.workers.clusters.cluster import Cluster, ClusterLost
    from dqn_exp.workers.clusters.opening import check_kind, is_there, open_cluster
    from dqn_exp.workers.clusters.workers import RemoteWorkers, Travel

__getattr__ = lazy(__name__, __file__)
