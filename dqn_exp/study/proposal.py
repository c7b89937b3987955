"""Run one proposal in a worker process: its seeds in lockstep, until they end or a pruner stops them."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import RandomSampler

from dqn_exp.config import Config
from dqn_exp.plan import with_directory
from dqn_exp.registry import import_modules
from dqn_exp.runs import Pruned, provenance, record_trial
from dqn_exp.study.moments import Moments, moments_of
from dqn_exp.study.objective import Objective
from dqn_exp.study.parts import Options, build_pruner, compares_seeds
from dqn_exp.study.record import Record, read_record
from dqn_exp.study.space import Repetition
from dqn_exp.study.storage import is_server, open_storage, score_name
from dqn_exp.training import Evaluated

LOG = "trial.log"


@dataclass(frozen=True)
class Proposal:
    """Everything that a worker needs to run and score one configuration over its seeds."""

    number: int
    directory: Path
    repetitions: tuple[Repetition, ...]
    overrides: tuple[tuple[str, ...], ...]
    configs: tuple[Config, ...]
    """The configuration of each repetition, in the order of `overrides`."""
    objectives: tuple[Objective, ...]
    location: str | None
    """The location of the study's storage; None if it cannot be reached, so nothing is reported."""
    study_name: str
    trial_id: int
    pruner: Options
    provenance: dict[str, Any]

    @property
    def directories(self) -> list[Path]:
        return [self.directory / repetition.name for repetition in self.repetitions]

    @property
    def hydra_jobs(self) -> dict[str, list[str]]:
        """The overrides of each repetition, by its name, for launchers that only run Hydra jobs."""
        names = [repetition.name for repetition in self.repetitions]
        return {
            name: with_directory(overrides, self.directory, name)
            for name, overrides in zip(names, self.overrides, strict=True)
        }

    @property
    def imports(self) -> list[str]:
        return [name for config in self.configs for name in config.imports]

    @property
    def needs_gpu(self) -> bool:
        return any(config.device == "cuda" for config in self.configs)

    def moved(self, folder: Path) -> Proposal:
        """The same proposal below `folder`, on a machine that does not see the driver's files."""
        is_in_file = self.location is not None and not is_server(self.location)
        location = None if is_in_file else self.location
        return replace(self, directory=folder / self.directory.name, location=location)

    def by_environment(self, values: Sequence[float]) -> dict[str, list[float]]:
        """The `values` of the repetitions, by the name of their environment."""
        grouped: dict[str, list[float]] = {}
        for repetition, value in zip(self.repetitions, values, strict=True):
            grouped.setdefault(repetition.environment, []).append(value)
        return grouped


@dataclass(frozen=True)
class Verdict:
    """The outcome of a proposal; `values` is None if it was pruned."""

    values: list[float] | None
    scores: dict[str, list[float]]
    """The score of each seed, by objective; with several environments, by "objective.environment"."""
    by_environment: dict[str, dict[str, float]]
    """The score of each environment, by objective; empty if there is only one environment."""
    statuses: list[str]
    pruned_at: int | None
    """The environment steps of the seed that had made the most."""


class SeedFailed(RuntimeError):
    """The training of one seed raised an exception."""


def run_proposal(proposal: Proposal) -> Verdict:
    """Train the seeds until they end or are pruned; continues from existing records."""
    import_modules(proposal.imports)
    proposal.directory.mkdir(parents=True, exist_ok=True)
    with _log_to(proposal.directory / LOG):
        pruning = Pruning(proposal)
        pairs = zip(proposal.configs, proposal.directories, strict=True)
        provenance_here = provenance.on_this_machine(proposal.provenance)
        runs = [SeedRun(*pair, pruning.moments, provenance_here) for pair in pairs]
        try:
            pruned = (_one_by_one if pruning.compares_seeds else _in_lockstep)(runs, pruning)
        finally:
            for run in runs:
                run.close()
    return verdict(proposal, pruned)


def verdict(proposal: Proposal, pruned: str | None = None) -> Verdict:
    """The outcome of a proposal from its records; `pruned` is the reason if it was pruned."""
    pairs = zip(proposal.directories, proposal.configs, strict=True)
    records = [read_record(directory, config) for directory, config in pairs]
    statuses = [record.result.status for record in records]
    if pruned is not None or "pruned" in statuses:
        return Verdict(None, {}, {}, statuses, max(record.result.env_steps for record in records))
    scores_by_objective = {
        o: proposal.by_environment([o.of_trial(record) for record in records]) for o in proposal.objectives
    }
    return Verdict(
        [objective.of_proposal(scores) for objective, scores in scores_by_objective.items()],
        {
            score_name(o.name, name): seeds
            for o, scores in scores_by_objective.items()
            for name, seeds in scores.items()
        },
        {o.name: o.of_environments(scores) for o, scores in scores_by_objective.items() if o.is_normalised},
        statuses,
        None,
    )


class SeedRun:
    """The training of one seed, which can be advanced from evaluation to evaluation."""

    def __init__(self, config: Config, directory: Path, moments: Moments, provenance: dict[str, Any]) -> None:
        self.config, self.directory, self._moments = config, directory, moments
        self._events = record_trial(config, directory, provenance)
        self.moment = 0.0
        """The time of its latest evaluation on the common clock; infinite after its end."""

    @property
    def ended(self) -> bool:
        return math.isinf(self.moment)

    def advance(self) -> None:
        """Train until the next evaluation or the end."""
        try:
            evaluated = any(isinstance(event, Evaluated) for event in self._events)
        except Exception as error:
            raise SeedFailed(f"{self.directory.name}: {type(error).__name__}: {error}") from error
        time = float(self.record().evaluations.times[-1]) if evaluated else math.inf
        self.moment = self._moments.common(time, self.config)

    def record(self) -> Record:
        return read_record(self.directory, self.config)

    def prune(self, reason: str) -> None:
        with contextlib.suppress(StopIteration, Pruned):
            self._events.throw(Pruned(reason))  # type: ignore[attr-defined]

    def close(self) -> None:
        self._events.close()  # type: ignore[attr-defined]


class Pruning:
    """Reports the values of the seeds to the pruner, and asks it whether to continue."""

    def __init__(self, proposal: Proposal) -> None:
        self.moments = moments_of(proposal.configs)
        pruner = build_pruner(proposal.pruner, self.moments.horizon)
        self.compares_seeds = compares_seeds(pruner)
        self._trial = None if proposal.location is None else _trial(proposal, proposal.location, pruner)
        self._proposal, self._objectives = proposal, proposal.objectives
        self._reported = 0

    def at(self, moment: float, runs: Sequence[SeedRun]) -> str | None:
        """Report every common moment up to `moment`; returns the reason to prune, or None to continue."""
        interval = self.moments.interval
        if len(self._objectives) > 1 or self._reported + interval > moment:
            return None
        records = [run.record() for run in runs]
        while self._reported + interval <= moment:
            self._reported += interval
            own = [self.moments.own(self._reported, record.config) for record in records]
            if not all(map(_is_known, records, own)):
                continue
            value = self._so_far(records, own)
            if self._is_hopeless(value, self._reported):
                at = f"{self.moments.unit} {self._reported}"
                what = "trials" if self._objectives[0].is_normalised else "seeds"
                return f"pruned at {at}: {value:.6g} over {len(records)} {what}"
        return None

    def _so_far(self, records: Sequence[Record], own: Sequence[float]) -> float:
        """The pruning value of the proposal, from each trial's value at its `own` moment."""
        objective = self._objectives[0]
        reached = [objective.so_far(*pair) for pair in zip(records, own, strict=True)]
        return objective.of_proposal(self._proposal.by_environment(reached))

    def after(self, index: int, record: Record) -> str | None:
        """Report the score of seed number `index`; returns the reason to prune, or None to continue."""
        value = self._objectives[0].of_trial(record)
        hopeless = self._is_hopeless(value, index)
        after = self._proposal.repetitions[index].name.replace("=", " ").replace(",", ", ")
        return f"pruned after {after}: {value:.6g}" if hopeless else None

    def _is_hopeless(self, value: float, step: int) -> bool:
        if self._trial is None:
            return False
        self._trial.report(value, step)
        return self._trial.should_prune()


def _trial(proposal: Proposal, location: str, pruner: BasePruner) -> optuna.Trial:
    """The Optuna trial of a proposal, from the study's storage at `location`."""
    study = optuna.load_study(
        study_name=proposal.study_name,
        storage=open_storage(location),
        sampler=RandomSampler(),
        pruner=pruner,
    )
    return optuna.Trial(study, proposal.trial_id)


def _is_known(record: Record, moment: float) -> bool:
    return record.diverged or bool(len(record.evaluations.times) and record.evaluations.times[0] <= moment)


def _in_lockstep(runs: Sequence[SeedRun], pruning: Pruning) -> str | None:
    """Always advance the seed that is furthest behind, so that all seeds are compared at the same moment."""
    horizon = pruning.moments.horizon or 0
    while not all(run.ended for run in runs):
        min(runs, key=lambda run: run.moment).advance()
        reason = pruning.at(min(horizon, *(run.moment for run in runs)), runs)
        if reason and not all(run.ended for run in runs):
            for run in runs:
                run.prune(reason)
            return reason
    return None


def _one_by_one(runs: Sequence[SeedRun], pruning: Pruning) -> str | None:
    for index, run in enumerate(runs):
        while not run.ended:
            run.advance()
        reason = pruning.after(index, run.record())
        if reason and run is not runs[-1]:
            return reason
    return None


@contextlib.contextmanager
def _log_to(path: Path) -> Iterator[None]:
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("[%(asctime)s][%(name)s][%(levelname)s] - %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
