"""`shard=3/16`: one of several commands that run a sweep together, each a share, without a coordinator.

The plan alone determines which trials belong to which shard, so the commands may run on machines that share
nothing. Commands that share a folder may run at the same time; each has its own lock.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from omegaconf import DictConfig

from dqn_exp.config import ConfigError
from dqn_exp.plan import PlannedTrial, without_seed
from dqn_exp.runs import LOCK, Locked, directory_lock, is_locked, is_over, read_result

SHARD = "shard"
FOLDER = "shards"
"""The subfolder of the sweep's directory with a folder for each shard that has worked there."""
WRITTEN = re.compile(r"([0-9]+)/([0-9]+)")


class Shard(NamedTuple):
    number: int
    """From 1 to `total`."""
    total: int

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"

    def share(self, trials: Sequence[PlannedTrial]) -> list[PlannedTrial]:
        """The trials of this shard among the `trials` of a sweep, in the same order."""
        assigned = assign_shards(trials, self.total)
        return [trial for trial in trials if assigned[trial.name] == self.number]


def read_shard(master: DictConfig) -> Shard | None:
    """The configured shard; None if one command runs the whole sweep. Raises ConfigError."""
    value: object = master.get(SHARD)
    if value is None:
        return None
    match = WRITTEN.fullmatch(value) if isinstance(value, str) else None
    shard = Shard(*map(int, match.groups())) if match else Shard(0, 0)
    if not 1 <= shard.number <= shard.total:
        raise ConfigError(
            f"{SHARD}={value}: allowed: K/N for the K-th of N shards, K from 1 to N, such as {SHARD}=3/16"
        )
    return shard


def refuse_shard(master: DictConfig, why: str) -> None:
    """Raise ConfigError, which says `why`, if a shard is configured."""
    shard = read_shard(master)
    if shard:
        raise ConfigError(f"{SHARD}={shard}: {why}")


def assign_shards(trials: Sequence[PlannedTrial], total: int) -> dict[str, int]:
    """The number of the shard of each trial, from 1 to `total`, by the trial's name.

    Trials are sorted by configuration and seed, and assigned to the shards in turn. Therefore the numbers of
    trials differ by at most one, and each shard gets seeds of every configuration, so a lost shard does not
    remove a configuration. The order of keys and values in a command does not matter.
    """
    ordered = sorted(trials, key=lambda trial: (sorted(without_seed(trial)), trial.config.seed))
    return {trial.name: index % total + 1 for index, trial in enumerate(ordered)}


@contextmanager
def shard_lock(directory: Path, shard: Shard | None) -> Iterator[None]:
    """Lock `directory` for this command; other shards of the same sweep may work there at the same time.

    Raises Locked if another command works there or runs the same trials.
    """
    if shard is None:
        with directory_lock(directory):
            yield
        return
    own = directory / FOLDER / f"{shard.number}-of-{shard.total}"
    own.mkdir(parents=True, exist_ok=True)
    with directory_lock(directory, shared=True), directory_lock(own):
        _refuse_other_splits(directory, shard)
        yield


def _refuse_other_splits(directory: Path, shard: Shard) -> None:
    """Raise Locked if a shard of another split works in `directory`.

    Each command takes its own lock before it looks, so the second one always sees the first.
    """
    for lock in sorted((directory / FOLDER).glob(f"*-of-*/{LOCK}")):
        number, total = lock.parent.name.split("-of-")
        if int(total) != shard.total and is_locked(lock.parent):
            raise Locked(
                f"{directory} is in use by {SHARD}={number}/{total}, which may have trials of {shard}. "
                f"Wait for it to end, or choose {SHARD}=K/{total}"
            )


@contextmanager
def completion_lock(directory: Path, shard: Shard | None) -> Iterator[None]:
    """Only one shard at a time checks whether the sweep in `directory` is over, and completes it."""
    if shard is None:
        yield
        return
    with directory_lock(directory / FOLDER, patience=math.inf):
        yield


def not_finished(
    directory: Path, trials: Sequence[PlannedTrial], ours: Sequence[PlannedTrial]
) -> list[PlannedTrial]:
    """The trials among `trials` that are not `ours` and are not finished in `directory`."""
    own = {trial.name for trial in ours}
    others = (trial for trial in trials if trial.name not in own)
    return [trial for trial in others if not is_over(trial.config, directory / trial.name)]


def has_failed(directory: Path, trial: PlannedTrial) -> bool:
    result = read_result(directory / trial.name)
    return result is not None and result.status == "failed"


def print_share(shard: Shard | None, ours: Sequence[PlannedTrial], trials: Sequence[PlannedTrial]) -> None:
    """Print how many of the sweep's `trials` this command runs."""
    if shard:
        print(f"Shard {shard}: {len(ours)} of the {len(trials)} trials of this sweep", flush=True)


def labels(trials: Sequence[PlannedTrial], shard: Shard | None) -> Mapping[str, Mapping[str, str]]:
    """The entries about each trial's shard in `sweep.json`, by the trial's name; empty without shards."""
    if shard is None:
        return {}
    assigned = assign_shards(trials, shard.total).items()
    return {name: {SHARD: str(Shard(number, shard.total))} for name, number in assigned}
