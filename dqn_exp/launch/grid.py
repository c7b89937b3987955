"""A sweep over every combination of values: check it, run or continue it, report it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from hydra.core.override_parser.types import Override
from hydra.core.utils import JobReturn, JobStatus
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf

from dqn_exp.config import Config
from dqn_exp.launch.combinations import combinations
from dqn_exp.launch.designs import declare, keep_budgets
from dqn_exp.launch.looks import (
    Judge,
    LookProgress,
    SeedsDesign,
    check_axes,
    maximum_text,
    read_design,
    run_looks,
)
from dqn_exp.launch.manifest import (
    Declared,
    complete,
    defaults,
    fingerprint,
    interrupted_sweep,
    read_progress,
    write_manifest,
)
from dqn_exp.launch.reuse import Reuse, read_reuse
from dqn_exp.launch.shards import (
    FOLDER,
    Shard,
    completion_lock,
    has_failed,
    not_finished,
    print_share,
    read_shard,
    refuse_shard,
    shard_lock,
)
from dqn_exp.plan import (
    PlannedTrial,
    Planner,
    check_init_from_visible,
    check_memory,
    is_dry_run,
    print_doubts,
    read_groups,
)
from dqn_exp.runs import (
    Locked,
    claim,
    in_use,
    is_locked,
    read_manifest,
    remove_leftovers,
    write_atomic,
)
from dqn_exp.workers import Engine, RunTrials, refuse_foreign_trials

NOT_IN_LOOKS = (
    "with seed=until_decided each look needs all trials so far to decide which come next, and a shard has "
    "only its own; allowed: 'seed=range(10)', or hydra/launcher=dask, ray or slurm without a shard"
)


class Swept(NamedTuple):
    """The outcome of a sweep."""

    directory: Path
    results: list[JobReturn]
    falls_short: bool
    """Whether a required trial has failed."""


class Ending(Protocol):
    """What to do when all trials are over."""

    def prepare(self) -> None:
        """Called when the trials begin; slow preparations can be made meanwhile."""

    def tell(self, directory: Path, n_failed: int, n_left: int = 0) -> None:
        """Called at the end: `n_failed` trials failed, `n_left` trials of other commands are not over."""


def sweep(
    context: HydraContext,
    master: DictConfig,
    engine: Engine,
    overrides: Sequence[Override],
    judge: Judge,
    ending: Ending,
) -> Swept:
    """Run the sweep on `engine`, then `ending`.

    With `seed=until_decided`, the `judge` says after each look which values get more seeds. With `shard=K/N`,
    the whole sweep is planned and checked, and a share of the trials is run.
    """
    groups, design = read_groups(overrides, master), read_design(overrides, master)
    if design:
        refuse_shard(master, NOT_IN_LOOKS)
        check_axes(overrides, groups)
    composer = Planner(context.config_loader, master, engine.trains_here)
    jobs, remarks = composer.fitting(
        combinations(overrides, groups, design), {key for group in groups for key in group}
    )
    trials, shard = composer.plan(jobs), read_shard(master)
    composer.refuse_several_directories(trials)
    ours = shard.share(trials) if shard else trials
    configs = [trial.config for trial in trials]
    if design:
        judge.check(design, configs, groups)
    check_init_from_visible(configs, engine.shares_files)
    at_a_time = engine.at_a_time()
    if at_a_time is not None:
        check_memory(configs, at_a_time)
    declared = Declared(defaults(master, design), groups, fingerprint(trials, design), design, shard)
    directory, is_new = sweep_directory(master, declared.fingerprint, shard)
    reuse = read_reuse(overrides, master, directory)
    if is_dry_run(master):
        Preview(directory, trials, ours, remarks, at_a_time, declared, reuse).show(judge)
        return Swept(directory, [], falls_short=False)
    engine.reach()
    if is_new:
        directory = claim(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with shard_lock(directory, shard):
        designs = declared_before(directory, trials, design, judge)
        if shard is None:  # no other command works here
            remove_leftovers(directory)
        write_atomic(directory / "multirun.yaml", OmegaConf.to_yaml(master).encode())
        print_remarks(configs, remarks)
        ending.prepare()
        record = partial(write_manifest, directory, declared._replace(designs=designs))
        with _running(engine, directory, trials, reuse) as run:
            if design:
                look = partial(judge.look, directory)
                results, is_over = run_looks(design, trials, read_progress(directory), run, look, record)
            else:
                record(LookProgress(trials))
                print_share(shard, ours, trials)
                results = run(ours)
                is_over = not n_failed(results)
        with completion_lock(directory, shard):
            unfinished = not_finished(directory, trials, ours)
            n_left = sum(not has_failed(directory, trial) for trial in unfinished)
            ending.tell(directory, 0 if is_over else n_failed(results), n_left)
            if is_over and not unfinished:
                remove_leftovers(directory)
                complete(directory)
    return Swept(directory, list(results), falls_short=not is_over)


@contextmanager
def _running(
    engine: Engine, directory: Path, trials: Sequence[PlannedTrial], reuse: Reuse
) -> Iterator[RunTrials]:
    """Yield a function that takes finished trials into `directory` and runs the others on `engine`."""
    with engine.running(trials, directory) as run:

        def take_or_run(
            trials: Sequence[PlannedTrial], ahead: Iterable[PlannedTrial] = ()
        ) -> list[JobReturn]:
            untaken = (trial for trial in ahead if not reuse.has(trial, directory))
            return reuse.instead_of(lambda left: run(left, untaken), trials, directory)

        yield take_or_run


def n_failed(results: Sequence[JobReturn]) -> int:
    return sum(result.status is JobStatus.FAILED for result in results)


class Preview(NamedTuple):
    """What a sweep would take and run."""

    directory: Path
    trials: Sequence[PlannedTrial]
    ours: Sequence[PlannedTrial]
    """Those of the `trials` that this command would run itself."""
    remarks: Sequence[str]
    at_a_time: int | None
    declared: Declared
    reuse: Reuse

    def show(self, judge: Judge) -> None:
        """Print it; raises ConfigError and Locked as the sweep would."""
        from dqn_exp.launch.dry_run import print_trials

        if is_locked(self.directory):
            raise Locked(in_use(self.directory))
        declared_before(self.directory, self.trials, self.declared.design, judge)
        print_remarks([trial.config for trial in self.trials], self.remarks)
        if self.declared.design:
            print(maximum_text(self.declared.design, self.trials), flush=True)
        print_share(self.declared.shard, self.ours, self.trials)
        print_trials(self.directory, self.ours, self.at_a_time, self.reuse)


def declared_before(
    directory: Path, trials: Sequence[PlannedTrial], design: SeedsDesign | None, judge: Judge
) -> list[dict[str, Any]]:
    """All designs of the sweep in `directory`; raises ConfigError if it holds another sweep or design."""
    manifest = read_manifest(directory)
    designs = declare(manifest, directory, design, judge)
    keep_budgets(manifest, directory, trials, judge)
    refuse_foreign_trials(directory, trials)
    return designs


def print_remarks(configs: Sequence[Config], remarks: Sequence[str]) -> None:
    """Print the remarks about values that were left out, and the warnings about doubtful settings."""
    for remark in remarks:
        print(remark, flush=True)
    print_doubts(configs)


def sweep_directory(master: DictConfig, wanted: str, shard: Shard | None) -> tuple[Path, bool]:
    """The directory of the sweep, and whether it is new and still has to be claimed.

    It is the directory that the user gave, otherwise that of the same sweep if it was interrupted, otherwise
    a new one. `wanted` is the sweep's fingerprint. With shards, a new directory is named after the
    fingerprint, so that all shards use the same one.
    """
    directory = Path(master.hydra.sweep.dir)
    if any(o.startswith("hydra.sweep.dir=") for o in master.hydra.overrides.hydra):
        return directory, False
    earlier = interrupted_sweep(directory.parent, wanted)
    if shard:
        return earlier or directory.with_name(f"{FOLDER}-{wanted}"), False
    return earlier or directory, earlier is None
