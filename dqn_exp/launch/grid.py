"""A sweep over every combination of the values: check, run or continue, summarise, report."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, read_write

from dqn_exp.errors import ConfigError
from dqn_exp.launch.launcher import planner
from dqn_exp.launch.plan import PlannedTrial
from dqn_exp.launch.summary import print_summary
from dqn_exp.runs.files import read_json, write_json
from dqn_exp.runs.lock import directory_lock, is_locked
from dqn_exp.runs.provenance import command_line, now

MANIFEST = "sweep.json"


def sweep(
    context: HydraContext, master: DictConfig, launcher: Launcher, overrides: Sequence[Override]
) -> list[Any]:
    """Run the sweep; raises SystemExit(1) at its end where a trial failed."""
    jobs = combinations(overrides)
    trials = planner(context, master).plan(jobs)
    explicit = any(o.startswith("hydra.sweep.dir=") for o in master.hydra.overrides.hydra)
    directory = Path(master.hydra.sweep.dir)
    if not explicit:
        directory = interrupted_sweep(directory.parent, fingerprint(trials)) or directory
        with read_write(master.hydra):
            master.hydra.sweep.dir = str(directory)
        for trial in trials:
            trial.hydra_config.hydra.sweep.dir = str(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with directory_lock(directory):
        write_manifest(directory, trials, complete=False)
        OmegaConf.save(master, directory / "multirun.yaml")
        results = launcher.launch(jobs, initial_job_idx=0)
        failed = [result for result in results if result.status.name == "FAILED"]
        write_manifest(directory, trials, complete=not failed)
        print_summary(directory, len(failed), with_report=bool(master.report))
    if failed:
        raise SystemExit(1)
    return list(results)


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
    return [list(job) for job in product(*values.values())]


def fingerprint(trials: Sequence[PlannedTrial]) -> str:
    """Equal for two commands that ask for the same trials."""
    content = "\n".join(sorted(f"{trial.name} {trial.config.hash()}" for trial in trials))
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def interrupted_sweep(parent: Path, wanted: str) -> Path | None:
    """The newest sweep below `parent` of the same trials that has not come to its end."""
    for manifest in sorted(parent.glob(f"*/{MANIFEST}"), reverse=True):
        content = read_json(manifest)
        if content["fingerprint"] == wanted and not content["complete"]:
            return None if is_locked(manifest.parent) else manifest.parent
    return None


def write_manifest(directory: Path, trials: Sequence[PlannedTrial], complete: bool) -> None:
    """Record what the sweep is made of, beside what earlier commands have added to it."""
    path = directory / MANIFEST
    earlier = read_json(path) if path.exists() else {"started": now(), "trials": []}
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
            "trials": list(listed.values()),
        },
    )
