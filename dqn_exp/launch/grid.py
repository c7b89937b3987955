"""A sweep over every combination of the values: check, run or continue, summarise, report."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any, Protocol

from hydra.core.override_parser.types import Override
from hydra.core.utils import JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from dqn_exp.config import ConfigError
from dqn_exp.launch.launcher import planner, refuse_foreign_trials
from dqn_exp.launch.plan import PlannedTrial, placed, plain_values
from dqn_exp.launch.preflight import resolve_config
from dqn_exp.runs import (
    DamagedRecord,
    command_line,
    directory_lock,
    is_locked,
    now,
    read_json,
    remove_leftovers,
    write_atomic,
    write_json,
)

MANIFEST = "sweep.json"


class Ending(Protocol):
    """What is done when all trials are over."""

    def prepare(self) -> None:
        """The trials begin; what takes seconds may be done meanwhile."""

    def tell(self, directory: Path, n_failed: int) -> None:
        """The trials below `directory` are over, and so many have failed."""


def sweep(
    context: HydraContext,
    master: DictConfig,
    launcher: Launcher,
    overrides: Sequence[Override],
    ending: Ending,
) -> list[Any]:
    """Run the sweep, then `ending`; raises SystemExit(1) where a trial failed."""
    trials = planner(context, master).plan(combinations(overrides))
    directory = sweep_directory(master, trials)
    directory.mkdir(parents=True, exist_ok=True)
    with directory_lock(directory):
        refuse_foreign_trials(directory, trials)
        remove_leftovers(directory)
        write_manifest(directory, trials, defaults(master), complete=False)
        write_atomic(directory / "multirun.yaml", OmegaConf.to_yaml(master).encode())
        ending.prepare()
        jobs = [placed(trial.overrides, directory, trial.name) for trial in trials]
        results = launcher.launch(jobs, initial_job_idx=0)
        failed = [result for result in results if result.status is JobStatus.FAILED]
        ending.tell(directory, len(failed))
        write_manifest(directory, trials, defaults(master), complete=not failed)
    if failed:
        raise SystemExit(1)
    return list(results)


def sweep_directory(master: DictConfig, trials: Sequence[PlannedTrial]) -> Path:
    """The directory asked for; by default that of the same sweep, interrupted, or else a new one."""
    directory = Path(master.hydra.sweep.dir)
    if any(o.startswith("hydra.sweep.dir=") for o in master.hydra.overrides.hydra):
        return directory
    return interrupted_sweep(directory.parent, fingerprint(trials)) or directory


def combinations(overrides: Sequence[Override]) -> list[list[str]]:
    """The Cartesian product of all values; for a key given twice the later one counts."""
    values: dict[str, list[str]] = {}
    for override in overrides:
        key = override.get_key_element()
        if not override.is_sweep_override():
            values[key] = [f"{key}={override.get_value_element_as_str()}"]
        elif override.is_discrete_sweep():
            values[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
        else:
            raise ConfigError(
                f"{override.input_line}: an interval has no end of values; allowed: choices such "
                f"as {key}=1,2,3 or range(1,10), or hydra/sweeper=optuna"
            )
    for key, choices in values.items():
        if not choices:
            raise ConfigError(f"{key} has no values; allowed: at least one, such as {key}=1,2,3")
    return [list(job) for job in product(*values.values())]


def fingerprint(trials: Sequence[PlannedTrial]) -> str:
    """Equal for two commands that ask for the same trials."""
    content = "\n".join(sorted(f"{trial.name} {trial.config.hash()}" for trial in trials))
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def interrupted_sweep(parent: Path, wanted: str) -> Path | None:
    """The newest sweep below `parent` of the same trials that has not come to its end."""
    for path in sorted(parent.glob(f"*/{MANIFEST}"), reverse=True):
        with suppress(DamagedRecord):
            content = read_json(path)
            if content.get("fingerprint") == wanted and not content["complete"]:
                return None if is_locked(path.parent) else path.parent
    return None


def defaults(master: DictConfig) -> dict[str, Any] | None:
    """The configuration without what the sweep varies; None where that is not complete."""
    try:
        return resolve_config(plain_values(master), apart=True).record()
    except (ConfigError, OmegaConfBaseException):
        return None


def write_manifest(
    directory: Path, trials: Sequence[PlannedTrial], defaults: dict[str, Any] | None, complete: bool
) -> None:
    """Record what the sweep is made of, beside what earlier commands have added to it."""
    path = directory / MANIFEST
    earlier: dict[str, Any] = {"started": now(), "trials": []}
    if path.exists():
        earlier = read_json(path)
    listed = {trial["name"]: trial for trial in earlier["trials"]}
    for trial in trials:
        listed[trial.name] = {
            "name": trial.name,
            "seed": trial.config.seed,
            "hash": trial.config.hash(),
            "overrides": list(trial.overrides),
        }
    write_json(
        path,
        {
            "format": 1,
            "command": command_line(),
            "started": earlier["started"],
            "fingerprint": fingerprint(trials),
            "complete": complete,
            "defaults": defaults,
            "trials": list(listed.values()),
        },
    )
