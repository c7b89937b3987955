"""`shard=3/16`: one of several commands that run a sweep together, each its own share, without a coordinator.

Which trials are whose follows from the plan alone, so that the commands may run on machines that share
nothing. Those that share a folder may run at the same time, each with a lock of its own.
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
from dqn_exp.launch.plan import PlannedTrial, without_seed
from dqn_exp.runs import LOCK, Locked, directory_lock, is_locked, is_over, read_result

SHARD = "shard"
FOLDER = "shards"
"""Below the sweep's directory: a folder for each shard that has been at work there."""
WRITTEN = re.compile(r"([0-9]+)/([0-9]+)")


class Shard(NamedTuple):
    number: int
    """From 1 to `total`."""
    total: int

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"

    def share(self, trials: Sequence[PlannedTrial]) -> list[PlannedTrial]:
        """Those of the `trials` of a sweep that are this shard's, in their order."""
        dealt = deal(trials, self.total)
        return [trial for trial in trials if dealt[trial.name] == self.number]


def read_shard(master: DictConfig) -> Shard | None:
    """What `shard` says; None where one command runs the whole sweep. Raises ConfigError."""
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
    """Raise ConfigError, which says `why` and what is allowed, where a shard is asked for."""
    shard = read_shard(master)
    if shard:
        raise ConfigError(f"{SHARD}={shard}: {why}")


def deal(trials: Sequence[PlannedTrial], total: int) -> dict[str, int]:
    """The number of the shard of each trial, from 1 to `total`, by the trial's name.

    Trials are dealt out like cards, configuration by configuration and seed by seed. So numbers of trials
    differ by one at most, each shard has its share of every configuration's seeds, and a shard that is lost
    takes no configuration with it. In whatever order a command names keys and values, the deal is the same.
    """
    ordered = sorted(trials, key=lambda trial: (sorted(without_seed(trial)), trial.config.seed))
    return {trial.name: place % total + 1 for place, trial in enumerate(ordered)}


@contextmanager
def at_work(directory: Path, shard: Shard | None) -> Iterator[None]:
    """Hold `directory` for this command; with a `shard`, others of the same sweep may be at work there, too.

    Raises Locked where another command has it, or runs the same trials.
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
    """Whoever comes second sees the first, because each holds its own lock before it looks."""
    for lock in sorted((directory / FOLDER).glob(f"*-of-*/{LOCK}")):
        number, total = lock.parent.name.split("-of-")
        if int(total) != shard.total and is_locked(lock.parent):
            raise Locked(
                f"{directory} is in use by {SHARD}={number}/{total}, which may have trials of {shard}, "
                f"too. Wait for it to end, or choose {SHARD}=K/{total}"
            )


@contextmanager
def last_turn(directory: Path, shard: Shard | None) -> Iterator[None]:
    """One shard at a time sees whether the sweep in `directory` is over, and brings it to its end."""
    if shard is None:
        yield
        return
    with directory_lock(directory / FOLDER, patience=math.inf):
        yield


def not_finished(
    directory: Path, trials: Sequence[PlannedTrial], ours: Sequence[PlannedTrial]
) -> list[PlannedTrial]:
    """Those of the `trials` that are not `ours` and have not come to their end in `directory`."""
    own = {trial.name for trial in ours}
    others = (trial for trial in trials if trial.name not in own)
    return [trial for trial in others if not is_over(trial.config, directory / trial.name)]


def has_failed(directory: Path, trial: PlannedTrial) -> bool:
    result = read_result(directory / trial.name)
    return result is not None and result.status == "failed"


def tell_share(shard: Shard | None, ours: Sequence[PlannedTrial], trials: Sequence[PlannedTrial]) -> None:
    """Say how many of the `trials` of the sweep are this command's."""
    if shard:
        print(f"Shard {shard}: {len(ours)} of the {len(trials)} trials of this sweep", flush=True)


def labels(trials: Sequence[PlannedTrial], shard: Shard | None) -> Mapping[str, Mapping[str, str]]:
    """What `sweep.json` says of the shard of each trial, by the trial's name; empty without shards."""
    if shard is None:
        return {}
    dealt = deal(trials, shard.total).items()
    return {name: {SHARD: str(Shard(number, shard.total))} for name, number in dealt}
