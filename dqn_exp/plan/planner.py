"""Turn the overrides of a sweep into its trials, before any of them starts."""

from __future__ import annotations

import gc
import hashlib
import pickle
import re
import zlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.core.utils import filter_overrides
from omegaconf import Container, DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from dqn_exp.borrowed import override_dirname, plain
from dqn_exp.config import Config, ConfigError, dotted, refuse_second_names, refuse_unused_names, unknown
from dqn_exp.garbage import garbage_uncollected
from dqn_exp.plan.fitting import fit
from dqn_exp.plan.preflight import check_parts, check_trackers, resolve_config
from dqn_exp.plan.prospects import check_prospects

Overrides = tuple[str, ...]
_ABSENT = object()
NOT_OF_A_TRIAL = (
    *("hydra", "experiment", "sweeps", "objective", "confirm", "seeds"),
    *("zip", "dry_run", "reuse", "shard"),
)
"""Top-level keys that are not part of a trial's configuration: those of Hydra, sweeps and studies."""


@dataclass(frozen=True)
class PlannedTrial:
    """One trial of a sweep."""

    name: str  # of its directory, relative to the sweep's
    overrides: Overrides
    config: Config
    packed: bytes  # the composed configuration; unpacked, it takes thirty times as much memory
    sweep_dir: str = ""  # the one that Hydra would choose

    @property
    def hydra_config(self) -> DictConfig:
        """A new copy of the composed configuration, with the `hydra` node."""
        return unpack(self.packed)


class Planner:
    """Composes and checks trials; composes each combination of config groups only once."""

    def __init__(self, loader: ConfigLoader, master: DictConfig, trains_here: bool = True) -> None:
        """`trains_here`: whether the trials run on this machine, so that its devices can be checked."""
        self._loader, self._master, self._trains_here = loader, master, trains_here
        self._place = master.hydra.sweep.dir  # read once, so the time in it is the same for all trials
        self._parse = cache(OverridesParser.create(config_loader=loader).parse_override)
        self._is_plain = cache(self._sets_a_value)
        self._is_group = cache(self._names_a_group)
        self._composed: dict[Overrides, bytes] = {}
        self._planned: dict[Overrides, tuple[Config, bytes]] = {}

    def fitting(
        self, jobs: Sequence[Sequence[str]], paired: Collection[str] = ()
    ) -> tuple[list[list[str]], list[str]]:
        """`jobs` with only those values for which their options have keys; see `fit`."""
        return fit(jobs, lambda text: self._is_group(self._parse(text).key_or_group), self._compose, paired)

    def plan(self, jobs: Sequence[Sequence[str]], first_index: int = 0) -> list[PlannedTrial]:
        """The trials of `jobs`; raises one ConfigError that lists all their errors."""
        planned: list[PlannedTrial] = []
        problems: dict[str, str] = {}
        with garbage_uncollected():
            for index, (job, job_id) in enumerate(zip(jobs, trial_names(jobs), strict=True), first_index):
                if index % GARBAGE_EVERY == 0:
                    gc.collect(0)  # only the newest objects
                try:
                    planned.append(self._plan_one(job, job_id, index))
                except ConfigError as error:
                    problems.setdefault(str(error), job_id)
        if problems:
            raise ConfigError("\n".join(f"{text}\n  in {name}" for text, name in problems.items()))
        _refuse_duplicates(planned)
        return planned

    def refuse_several_directories(self, trials: Sequence[PlannedTrial]) -> None:
        """Raise ConfigError if `hydra.sweep.dir` is not the same for all trials and the sweep."""
        for trial in trials:
            theirs = trial.sweep_dir
            if theirs != self._place:
                written: Any = OmegaConf.to_container(self._master.hydra.sweep)
                raise ConfigError(
                    f"hydra.sweep.dir={written['dir']}: {self._place} for the sweep, but {theirs} for "
                    f"{trial.name}; allowed: the same for all (hydra.sweep.subdir may differ)"
                )

    def _plan_one(self, job: Sequence[str], job_id: str, index: int) -> PlannedTrial:
        task = tuple(filter_overrides(job))
        if task in self._planned:
            config, packed = self._planned[task]
            hydra_config = unpack(packed)
        else:
            config, hydra_config = self._compose_and_check(task)
        with open_dict(hydra_config):
            hydra_config.hydra.job.id, hydra_config.hydra.job.num = job_id, index
        for text in job:
            if text not in task:
                self._set(hydra_config, self._parse(text))
        HydraConfig.instance().cfg = hydra_config  # type: ignore[assignment] # what ${hydra:...} refers to
        packed = pack(hydra_config)
        self._planned[task] = config, packed
        sweep = hydra_config.hydra.sweep
        return PlannedTrial(str(sweep.subdir), task, config, packed, str(sweep.dir))

    def _compose_and_check(self, job: Overrides) -> tuple[Config, DictConfig]:
        refuse_second_names(job)
        composed = self._compose(job)
        config = resolve_config(plain_values(composed), in_subprocess=True)
        refuse_unused_names(job, config)
        check_prospects(config)
        check_trackers(config)
        check_parts(config if self._trains_here else config.model_copy(update={"device": "cpu"}))
        return config, composed

    def _compose(self, job: Overrides) -> DictConfig:
        """The same configuration as from Hydra's load_sweep_config.

        Files are composed once for each choice of groups; plain values are then set on a copy.
        """
        parsed = [self._parse(text) for text in job]
        plain = [self._is_plain(text) for text in job]
        structural = tuple(text for text, is_plain in zip(job, plain, strict=True) if not is_plain)
        if structural not in self._composed:
            composed = self._loader.load_sweep_config(self._master, list(structural))
            _refuse_other_machinery(self._master, composed, structural)
            self._composed[structural] = pickle.dumps(composed)
        config: DictConfig = pickle.loads(self._composed[structural])  # five times as fast as deepcopy
        for override, is_plain in zip(parsed, plain, strict=True):
            if is_plain:
                self._set(config, override)
        config.hydra.overrides.task = list(job)
        naming = config.hydra.job.config.override_dirname
        config.hydra.job.override_dirname = override_dirname(
            parsed, naming.exclude_keys, naming.item_sep, naming.kv_sep
        )
        return config

    def _set(self, config: DictConfig, override: Override) -> None:
        key = override.key_or_group
        try:
            OmegaConf.update(config, key, override.value(), merge=True)
        except OmegaConfBaseException as error:
            parent, _, name = key.rpartition(".")
            section = OmegaConf.select(config, parent) if parent else config
            if isinstance(section, DictConfig) and name not in section:
                raise unknown(str(override.input_line), name, map(str, section)) from error
            raise ConfigError(f"{override.input_line}: {str(error).splitlines()[0]}") from error

    def _sets_a_value(self, text: str) -> bool:
        """Whether an override sets the value of an existing key, and neither chooses files nor adds keys."""
        override = self._parse(text)
        key, sets = override.key_or_group, override.type is OverrideType.CHANGE
        exists = OmegaConf.select(self._master, key, default=_ABSENT) is not _ABSENT
        return sets and exists and not self._is_group(key)

    def _names_a_group(self, key: str) -> bool:
        return bool(self._loader.get_group_options(key))


GARBAGE_EVERY = 50
"""The number of trials between two garbage collections while a plan is made."""


def pack(composed: DictConfig) -> bytes:
    return zlib.compress(pickle.dumps(composed), level=1)


def unpack(packed: bytes) -> DictConfig:
    composed: DictConfig = pickle.loads(zlib.decompress(packed))
    return composed


def set_directory(composed: DictConfig, directory: Path, name: str) -> DictConfig:
    """`composed`, set to run in `directory`/`name`."""
    with read_write(composed.hydra):
        composed.hydra.sweep.update(dir=str(directory), subdir=name)
    return composed


OF_THE_WHOLE_SWEEP = ("launcher", "sweeper")
"""Parts of the `hydra` node that apply to all trials together."""


def _refuse_other_machinery(master: DictConfig, composed: DictConfig, overrides: Overrides) -> None:
    """Raise ConfigError if files chosen for some trials would change how the whole sweep is run."""
    for part in OF_THE_WHOLE_SWEEP:
        ours, theirs = (OmegaConf.to_container(config.hydra[part]) for config in (master, composed))
        if ours != theirs:
            raise ConfigError(
                f"{','.join(overrides)}: sets hydra.{part}, which must be the same for the whole sweep; "
                f"allowed: a separate command for each such file"
            )


def _refuse_duplicates(trials: Sequence[PlannedTrial]) -> None:
    for name, times in Counter(trial.name for trial in trials).items():
        if times > 1:
            raise ConfigError(f"{name} occurs {times} times; allowed: each trial of a sweep once")


def plain_values(config: DictConfig, hydra: Any = None) -> dict[str, Any]:
    """The resolved values of a composed configuration, without the `hydra` node.

    If a trial changes its working directory, relative paths stay relative to the directory of the command,
    which is in `hydra`. `hydra` is the node of `config` unless it is given.
    """
    values = {
        str(name): plain(value, resolve=True) if isinstance(value, Container) else value
        for name, value in config.items()
        if name not in NOT_OF_A_TRIAL
    }
    hydra = config.get("hydra") if hydra is None else hydra
    if values.get("init_from") is not None and hydra is not None and hydra.job.chdir:
        values["init_from"] = str(Path(hydra.runtime.cwd, str(values["init_from"])))
    return values


def is_dry_run(composed: DictConfig) -> bool:
    """The value of `dry_run`; raises ConfigError if it is neither true nor false."""
    value: object = composed.get("dry_run", False)
    if not isinstance(value, bool):
        raise ConfigError(f"dry_run={value}: allowed: true, false")
    return value


def with_directory(overrides: Sequence[str], directory: Path, name: str) -> list[str]:
    """`overrides` with overrides for the trial's directory, `directory`/`name`, for any launcher."""
    values = {"hydra.sweep.dir": str(directory), "hydra.sweep.subdir": name}
    return [*overrides, *(f"{key}={quoted(value)}" for key, value in values.items())]


def quoted(text: str) -> str:
    """`text` as a quoted string of Hydra's override grammar."""
    return "'" + text.replace("'", "\\'") + "'"


def trial_names(jobs: Sequence[Sequence[str]]) -> list[str]:
    """A directory name for each job, from the overrides that vary: "buffer=17k,seed=3"."""
    tasks = [filter_overrides(job) for job in jobs]
    constant = set.intersection(*map(set, tasks)) if tasks else set()
    varied = [
        [o for o in task if o not in constant and not is_seed(o)] + [o for o in task if is_seed(o)]
        for task in tasks
    ]
    return [directory_name(",".join(map(dotted, overrides)) or "trial") for overrides in varied]


def is_seed(override: str) -> bool:
    return override.startswith("seed=")


def without_seed(trial: PlannedTrial) -> Overrides:
    """The overrides that a trial shares with the other trials of its configuration."""
    return tuple(override for override in trial.overrides if not is_seed(override))


def directory_name(text: str) -> str:
    """`text` as a directory name: safe characters, at most 120 bytes; a digest keeps it unique."""
    safe = re.sub(r"[^\w.,=+\-]", "_", text)
    if safe == text and len(text.encode()) <= 120:
        return text
    return f"{safe.encode()[:100].decode(errors='ignore')}~{hashlib.sha256(text.encode()).hexdigest()[:8]}"
