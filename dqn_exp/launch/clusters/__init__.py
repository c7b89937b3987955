"""Many machines as an engine: what a pool is on this one, by schedulers that exist.

`open_cluster` connects to one, by its name; `RemoteWorkers` are the workers of an engine on it. On each
machine `host.py` runs a task as the pool does here: in a process of its own. `files.py` carries its files.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.launch.clusters.cluster import Cluster, ClusterLost
    from dqn_exp.launch.clusters.opening import check_kind, open_cluster
    from dqn_exp.launch.clusters.workers import RemoteWorkers, Travel

__getattr__ = lazy(__name__, __file__)
