"""Check and open clusters by the name of their kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from dqn_exp.config import ConfigError
from dqn_exp.workers.clusters.cluster import ADDRESSES, Cluster
from dqn_exp.workers.pool import count_workers

PACKAGES = {"dask": "distributed", "ray": "ray", "slurm": "submitit"}
"""The package that each kind needs; the extras of `dqn_exp` have the names of the kinds."""
_HOST_AND_PORT = r"(?:[^\s/:\[\]]+|\[[^\s/\[\]]+\]):[0-9]+"
_WRITTEN = {
    "dask": re.compile(rf"(?:(?:tcp|tls|wss?|ucx)://)?{_HOST_AND_PORT}"),
    "ray": re.compile(rf"auto|{_HOST_AND_PORT}"),
}


def check_kind(kind: str, shared: bool, options: Mapping[str, Any]) -> None:
    """Raise ConfigError if the package that `kind` needs is missing, or an option is invalid."""
    if find_spec(PACKAGES[kind]) is None:
        raise ConfigError(f"hydra/launcher={kind} needs {PACKAGES[kind]}: pip install 'dqn_exp[{kind}]'")
    if kind == "slurm" and not shared:
        raise ConfigError(
            "hydra.launcher.shared=false: Slurm's jobs reach this command through files; allowed: true"
        )
    if "n_jobs" in options:
        count_workers(options["n_jobs"])
    address = options.get("address")
    if address is not None and not _WRITTEN[kind].fullmatch(str(address)):
        raise ConfigError(f"hydra.launcher.address={address}: allowed: {ADDRESSES[kind]}")


def is_there(kind: str, options: Mapping[str, Any]) -> bool:
    """Whether the cluster exists before the command, so that it may be missing; ours are started by it."""
    return kind == "slurm" or options.get("address") is not None


def open_cluster(kind: str, **options: Any) -> Cluster:
    """Connect to a cluster, or start one, with the `options` of its kind. Raises ConfigError."""
    if kind == "dask":
        from dqn_exp.workers.clusters.dask import DaskCluster

        return DaskCluster(**options)
    if kind == "ray":
        from dqn_exp.workers.clusters.ray import RayCluster

        return RayCluster(**options)
    from dqn_exp.workers.clusters.slurm import SlurmCluster

    return SlurmCluster(**options)
