"""A sweep over every combination of the values: check, run or continue, summarise, report."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain, product
from pathlib import Path
from typing import Any, Protocol

from hydra.core.override_parser.types import Override
from hydra.core.utils import JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from dqn_exp.config import Config, ConfigError
from dqn_exp.launch.axis import axis_values
from dqn_exp.launch.engine import Engine
from dqn_exp.launch.launcher import planner, refuse_foreign_trials
from dqn_exp.launch.memory import check_memory
from dqn_exp.launch.pairing import ZIP, Groups, factors, read_groups
from dqn_exp.launch.plan import PlannedTrial, is_dry_run, placed, plain_values
from dqn_exp.launch.preflight import resolve_config
from dqn_exp.launch.prospects import tell_doubts
from dqn_exp.runs import (
    DamagedRecord,
    Locked,
    claim,
    command_line,
    directory_lock,
    in_use,
    is_locked,
    now,
    read_json,
    remove_leftovers,
    write_atomic,
    write_json,
)

MANIFEST = "sweep.json"
OF_A_STUDY = ("objective", "confirm")
"""Groups and sections that a plain sweep has no use for."""
OF_THE_SWEEP = (ZIP, "dry_run")
"""Keys that say what trials there are, and nothing about a trial."""


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
    groups = read_groups(overrides, master)
    composer = planner(context, master)
    jobs, remarks = composer.fitting(combinations(overrides, groups))
    trials = composer.plan(jobs)
    composer.refuse_scattered(trials)
    configs = [trial.config for trial in trials]
    at_a_time = launcher.at_a_time() if isinstance(launcher, Engine) else None
    if at_a_time is not None:
        check_memory(configs, at_a_time)
    directory, is_new = sweep_directory(master, trials)
    if is_dry_run(master):
        foretell(directory, trials, remarks, at_a_time)
        return []
    if is_new:
        directory = claim(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with directory_lock(directory):
        refuse_foreign_trials(directory, trials)
        remove_leftovers(directory)
        write_manifest(directory, trials, defaults(master), groups, complete=False)
        write_atomic(directory / "multirun.yaml", OmegaConf.to_yaml(master).encode())
        remark_on(configs, remarks)
        ending.prepare()
        jobs = [placed(trial.overrides, directory, trial.name) for trial in trials]
        results = launcher.launch(jobs, initial_job_idx=0)
        failed = [result for result in results if result.status is JobStatus.FAILED]
        ending.tell(directory, len(failed))
        write_manifest(directory, trials, defaults(master), groups, complete=not failed)
    if failed:
        raise SystemExit(1)
    return list(results)


def foretell(
    directory: Path, trials: Sequence[PlannedTrial], remarks: Sequence[str], at_a_time: int | None
) -> None:
    """What a sweep would refuse, say and run; raises ConfigError and Locked as it would."""
    from dqn_exp.launch.dry_run import tell_trials

    if is_locked(directory):
        raise Locked(in_use(directory))
    refuse_foreign_trials(directory, trials)
    remark_on([trial.config for trial in trials], remarks)
    tell_trials(directory, trials, at_a_time)


def remark_on(configs: Sequence[Config], remarks: Sequence[str]) -> None:
    """Say what was left out, and what is allowed and hardly meant."""
    for remark in remarks:
        print(remark, flush=True)
    tell_doubts(configs)


def sweep_directory(master: DictConfig, trials: Sequence[PlannedTrial]) -> tuple[Path, bool]:
    """The directory asked for; by default that of the same sweep, interrupted, or else a new one.

    The second says whether it is a new one, which is still to be claimed.
    """
    directory = Path(master.hydra.sweep.dir)
    if any(o.startswith("hydra.sweep.dir=") for o in master.hydra.overrides.hydra):
        return directory, False
    earlier = interrupted_sweep(directory.parent, fingerprint(trials))
    return earlier or directory, earlier is None


def combinations(overrides: Sequence[Override], groups: Groups) -> list[list[str]]:
    """The Cartesian product of all values, but for the `groups` of axes whose values go together.

    For a key given twice the later one counts.
    """
    values: dict[str, list[str]] = {}
    for override in overrides:
        key = override.get_key_element()
        if key.partition(".")[0] in OF_A_STUDY:
            raise ConfigError(
                f"{override.input_line} is about a study, and this is a plain sweep; allowed: "
                f"with hydra/sweeper=optuna"
            )
        if key in OF_THE_SWEEP:
            if override.is_sweep_override():
                raise ConfigError(f"{override.input_line}: it is of the whole sweep; allowed: one value")
            continue
        if not override.is_sweep_override():
            values[key] = [f"{key}={override.get_value_element_as_str()}"]
        elif override.is_discrete_sweep():
            in_pairs = any(key.lstrip("+") in group for group in groups)
            values[key] = [f"{key}={value}" for value in axis_values(override, may_repeat=in_pairs)]
        else:
            raise ConfigError(
                f"{override.input_line}: an interval has no end of values; allowed: choices such "
                f"as {key}=1,2,3 or '{key}=range(1,10)', or hydra/sweeper=optuna"
            )
    for key, choices in values.items():
        if not choices:
            raise ConfigError(f"{key} has no values; allowed: at least one, such as {key}=1,2,3")
    return [list(chain(*job)) for job in product(*factors(values, groups))]


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
    directory: Path,
    trials: Sequence[PlannedTrial],
    defaults: dict[str, Any] | None,
    groups: Groups,
    complete: bool,
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
            "zip": groups,
            "trials": list(listed.values()),
        },
    )
