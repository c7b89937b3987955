"""From the overrides of a sweep to the trials it will run, before any of them starts."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from omegaconf import DictConfig, OmegaConf, open_dict

from dqn_exp.config import Config
from dqn_exp.errors import ConfigError
from dqn_exp.preflight import resolve_config

Overrides = tuple[str, ...]
_ABSENT = object()


@dataclass(frozen=True)
class PlannedTrial:
    """One trial of a sweep."""

    name: str  # of its directory below the sweep's
    overrides: Overrides
    config: Config
    hydra_config: DictConfig  # as composed, with the `hydra` node


class Planner:
    """Composes and checks trials; each combination of config groups is composed only once."""

    def __init__(self, loader: ConfigLoader, master: DictConfig) -> None:
        self._loader, self._master = loader, master
        self._parser = OverridesParser.create(config_loader=loader)
        self._composed: dict[Overrides, DictConfig] = {}
        self._planned: dict[Overrides, tuple[Config, DictConfig]] = {}

    def plan(self, jobs: Sequence[Sequence[str]]) -> list[PlannedTrial]:
        """The trials of `jobs`; raises one ConfigError for everything that is wrong with them."""
        names = trial_names(jobs)
        trials, problems = [], {}
        for name, job in zip(names, map(tuple, jobs), strict=True):
            try:
                config, hydra_config = self._compose_and_check(job)
            except ConfigError as error:
                problems.setdefault(str(error), name)
                continue
            with open_dict(hydra_config):
                hydra_config.hydra.job.id = name
            trials.append(PlannedTrial(name, job, config, hydra_config))
        if problems:
            raise ConfigError("\n".join(f"{text}\n  in {name}" for text, name in problems.items()))
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ConfigError(f"{twice} occurs twice; allowed: each trial of a sweep once")
        return trials

    def _compose_and_check(self, job: Overrides) -> tuple[Config, DictConfig]:
        if job not in self._planned:
            composed = self._compose(job)
            self._planned[job] = resolve_config(plain_values(composed)), composed
        return self._planned[job]

    def _compose(self, job: Overrides) -> DictConfig:
        """What Hydra's load_sweep_config gives, with plain values set on a composed copy."""
        parsed = self._parser.parse_overrides(list(job))
        structural = tuple(o.input_line for o in parsed if not self._is_plain(o))
        if structural not in self._composed:
            self._composed[structural] = self._loader.load_sweep_config(self._master, list(structural))
        config = copy.deepcopy(self._composed[structural])
        for override in parsed:
            if self._is_plain(override):
                OmegaConf.update(config, override.key_or_group, override.value(), merge=True)
        config.hydra.overrides.task = list(job)
        return config

    def _is_plain(self, override: Override) -> bool:
        """Does it set the value of a key that is there, rather than choose files or add keys?"""
        key, sets = override.key_or_group, override.type is OverrideType.CHANGE
        exists = OmegaConf.select(self._master, key, default=_ABSENT) is not _ABSENT
        is_group = bool(self._loader.get_group_options(key))
        return sets and exists and not is_group and not key.startswith("hydra.")


def plain_values(config: DictConfig) -> dict[str, Any]:
    """The resolved values of a composed configuration, without the `hydra` node."""
    names = [name for name in config if name not in ("hydra", "experiment", "sweeps")]
    values = OmegaConf.to_container(OmegaConf.masked_copy(config, names), resolve=True)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def trial_names(jobs: Sequence[Sequence[str]]) -> list[str]:
    """A directory name per job, made of what varies among them: "buffer=17k,seed=3"."""
    constant = set.intersection(*map(set, jobs)) if len(jobs) > 1 else set()
    varied = [
        [o for o in job if o not in constant and not is_seed(o)] + [o for o in job if is_seed(o)]
        for job in jobs
    ]
    return [directory_name(",".join(overrides) or "trial") for overrides in varied]


def is_seed(override: str) -> bool:
    return override.startswith("seed=")


def directory_name(text: str) -> str:
    """`text` as the name of one directory: safe characters, at most 120 of them, still unique."""
    safe = re.sub(r"[^\w.,=+\-]", "_", text)
    if safe == text and len(text) <= 120:
        return text
    return f"{safe[:100]}~{hashlib.sha256(text.encode()).hexdigest()[:8]}"
