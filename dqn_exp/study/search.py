"""The search of a study: request, run and score proposals as workers become free, until all are done."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import optuna
from hydra.core.override_parser.types import Override
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, read_write
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from dqn_exp.borrowed import queued_parameters, trial_id
from dqn_exp.config import ConfigError
from dqn_exp.launch import (
    Done,
    Engine,
    LauncherEngine,
    PlannedTrial,
    Reuse,
    is_dry_run,
    read_reuse,
    refuse_shard,
    write_hydra_directory,
)
from dqn_exp.runs import directory_lock, is_locked, provenance, write_atomic
from dqn_exp.study.claims import Claim, Claims
from dqn_exp.study.confirm import Judgement, confirm
from dqn_exp.study.dry_run import tell_study
from dqn_exp.study.environments import refuse_choice
from dqn_exp.study.objective import horizon_of
from dqn_exp.study.parts import build_pruner, is_active
from dqn_exp.study.prepare import Plan, check_outlook, prepare
from dqn_exp.study.presence import Presence
from dqn_exp.study.progress import StudyProgress, describe
from dqn_exp.study.proposal import LOG, Proposal, Verdict, jobs_of, run_proposal
from dqn_exp.study.question import changes
from dqn_exp.study.results import best_trials, run_command, score_text, write_manifest, write_results
from dqn_exp.study.space import suggest
from dqn_exp.study.storage import BY_ENVIRONMENT, DIRECTORY, DRAWN, QUEUED, dashboard_command, open_storage

NOT_IN_A_STUDY = (
    "a study chooses its trials while it runs, so they cannot be divided beforehand; allowed: the same "
    "command without it on every machine, with one storage for all (hydra.sweeper.storage=...)"
)
POLL_SECONDS = 2.0
"""Seconds between two checks of other processes' trials."""
RETRIES = 1
"""A proposal is run again after so many deaths of its worker; after one more it has failed."""
TRIALS = "trials"
QUESTION = "question"
"""The user attribute of a study with its question, key by key."""


class Studied(NamedTuple):
    """The outcome of a study."""

    directory: Path
    name: str
    location: str
    """The location of its storage."""
    best: float | list[list[float]] | None = None
    """The best value, or the values of the Pareto front; None if there is none."""
    falls_short: bool = False
    """Whether a proposal failed or the result could not be confirmed."""


class Analyst(Protocol):
    """Judges and reports the results of a study."""

    def judge(self, confirmation: Mapping[str, Any]) -> Judgement:
        """Judge the scores on fresh seeds, given the content of `confirm.summary`."""

    def write_report(self, study: optuna.Study, output: Path) -> Path:
        """Write the report of a study to the folder `output`; returns the path of its page."""


def run_study(
    context: HydraContext,
    master: DictConfig,
    launcher: Launcher,
    overrides: Sequence[Override],
    options: Mapping[str, Any],
    analyst: Analyst,
) -> Studied:
    """Run a study: search, confirm, report."""
    refuse_shard(master, NOT_IN_A_STUDY)
    engine = launcher if isinstance(launcher, Engine) else LauncherEngine(launcher, jobs_of)
    plan = prepare(context, master, overrides, options, engine.can_prune, engine.shares_files)
    at_a_time = engine.at_a_time(plan.settings.n_jobs)
    check_outlook(plan, at_a_time)
    reuse = read_reuse(overrides, master, plan.directory)
    if is_dry_run(master):
        tell_study(plan, at_a_time, reuse)
        return Studied(plan.directory, plan.name, plan.location)
    engine.reach()
    study = open_study(plan)
    plan = plan.continuing(study.get_trials(deepcopy=False))
    _start_directory(plan)
    presence = Presence(study, plan.directory)
    print(f"Study {plan.name}: {plan.total} proposals x {_trials_each(plan)} in {plan.directory}")
    print(f"Watch it: {dashboard_command(plan.location)}", flush=True)
    with presence.announced():
        claims = Claims(study, plan.location, presence, plan.total)
        search = Search(plan, study, claims, engine, Reuse([]) if is_active(study.pruner) else reuse)
        search.run()
    with _last_turn(plan.directory):
        write_results(plan, study)
        complete = not search.stopped and confirm(plan, study, launcher, reuse, analyst.judge)
        write_manifest(plan, complete=complete)
        _tell(plan, study, analyst)
    falls_short = bool(search.failures) or not complete
    return Studied(plan.directory, plan.name, plan.location, best_value(plan, study), falls_short)


def best_value(plan: Plan, study: optuna.Study) -> float | list[list[float]] | None:
    """The result of the sweeper for Hydra: the best value, or the values of the Pareto front."""
    best = best_trials(study.get_trials(deepcopy=False), plan.objectives)
    return [list(t.values) for t in best] if len(plan.objectives) > 1 else (best[0].value if best else None)


def open_study(plan: Plan) -> optuna.Study:
    """Create or open the study; raises ConfigError if the storage holds a different study of that name."""
    storage = open_storage(plan.location)
    pruner = build_pruner(plan.pruner, horizon_of(plan.default))
    try:
        study = optuna.load_study(study_name=plan.name, storage=storage, pruner=pruner)
    except KeyError:
        directions = [objective.direction for objective in plan.objectives]
        study = optuna.create_study(
            study_name=plan.name, storage=storage, pruner=pruner, directions=directions, load_if_exists=True
        )
    known = study.user_attrs.get("identity")
    if known is None and not study.get_trials(deepcopy=False):
        study.set_user_attr("identity", plan.identity)
        study.set_user_attr(QUESTION, plan.question)
        study.set_user_attr("objectives", [objective.name for objective in plan.objectives])
        study.set_user_attr("environments", list(plan.environments))
    elif known != plan.identity:
        changed = [name for name, value in plan.identity.items() if (known or {}).get(name) != value]
        before = study.user_attrs.get(QUESTION)
        told = "" if before is None else f": {changes(before, plan.question)}"
        raise ConfigError(
            f"hydra.sweeper.study_name={plan.name}: the storage has a study of this name with another "
            f"{' and '.join(changed)}{told}; allowed: another study_name, or null for a generated name"
        )
    return study


class Search:
    """The search by this process; other processes may search in the same study."""

    def __init__(self, plan: Plan, study: optuna.Study, claims: Claims, engine: Engine, reuse: Reuse) -> None:
        """`reuse`: finds finished trials to take; it must find none if a pruner has to see trials train."""
        self._plan, self._study, self._claims, self._reuse = plan, study, claims, reuse
        self._progress = StudyProgress(study, plan.objectives, plan.total)
        self._workers = engine.workers(run_proposal, plan.settings.n_jobs)
        self._claimed: dict[int, Claim] = {}
        self.failures = 0

    @property
    def stopped(self) -> bool:
        """Whether more proposals have failed than allowed."""
        return self.failures > self._plan.settings.max_failure_rate * self._plan.total

    def run(self) -> None:
        """Work until every proposal is over, including those of other processes."""
        self._claims.retry_failed()
        drawn = self._plan.samplers.draws(0) if self._plan.samplers.is_grid else QUEUED
        self._claims.enqueue(self._plan.points, drawn)
        finished = False
        try:
            with self._progress:
                while self._work():
                    pass
            finished = True
        finally:
            self._workers.close(kill=not finished)
        if self.stopped:
            rate = self._plan.settings.max_failure_rate
            print(
                f"Stopped: {self.failures} of {self._plan.total} proposals failed, and "
                f"hydra.sweeper.max_failure_rate={rate:g}. The same command tries them again."
            )

    def _work(self) -> bool:
        """Give idle workers proposals and record finished ones; False if nothing is left to do."""
        for number in self._claims.recover():
            self._progress.note(f"proposal {number}: its process is gone; running it again")
        while self._workers.idle_workers and not self.stopped and (claim := self._claims.next()):
            self._start(claim)
        self._progress.running(self._workers.running)
        if self._workers.running:
            for done in self._workers.wait(timeout=POLL_SECONDS):
                self._finish(done)
            return True
        if self.stopped or not self._claims.unfinished():
            return False
        time.sleep(POLL_SECONDS)
        return True

    def _start(self, claim: Claim) -> None:
        try:
            planned = self._plan_seeds(claim)
        except ConfigError as error:
            self._fail(claim, str(error))
            return
        twin = self._twin(claim)
        if twin is not None:
            claim.trial.set_user_attr(DIRECTORY, twin.user_attrs[DIRECTORY])
            self._score(claim, _verdict_of(twin))
            return
        self._claimed[claim.number] = claim
        self._workers.submit(self._propose(claim, planned))

    def _plan_seeds(self, claim: Claim) -> list[PlannedTrial]:
        """Choose the parameters of a claimed trial; raises ConfigError if they are not valid together."""
        plan, trial = self._plan, claim.trial
        self._study.sampler = plan.samplers(claim.rank)
        queued = queued_parameters(trial)
        if DRAWN not in trial.user_attrs:
            trial.set_user_attr(DRAWN, QUEUED if queued else plan.samplers.draws(claim.rank))
        queued.update(plan.space.meant(queued, may_have_more=plan.extend is not None))
        for key, distribution in plan.space.distributions.items():
            suggest(trial, key, distribution)
        if plan.extend is not None:
            plan.extend(plan.master, trial)
            refuse_choice(trial.params, plan.environments)
        return plan.plan(trial.params, plan.seeds)

    def _propose(self, claim: Claim, planned: Sequence[PlannedTrial]) -> Proposal:
        plan = self._plan
        proposal = Proposal(
            claim.number,
            plan.directory / TRIALS / claim.directory,
            tuple(plan.repetitions(plan.seeds)),
            tuple(one.overrides for one in planned),
            tuple(one.config for one in planned),
            plan.objectives,
            plan.location,
            plan.name,
            trial_id(claim.trial),
            plan.pruner,
            provenance.environment(),
        )
        self._take(proposal)
        for one, directory in zip(planned, proposal.directories, strict=True):
            write_hydra_directory(one.hydra_config, directory / ".hydra")
        return proposal

    def _take(self, proposal: Proposal) -> None:
        """Take those seeds of the proposal that were trained before."""
        pairs = zip(proposal.configs, proposal.directories, strict=True)
        origins = [self._reuse.take(config, directory) for config, directory in pairs]

        def say(line: str) -> None:
            self._progress.note(f"proposal {proposal.number}: {line}")

        self._reuse.tell([origin for origin in origins if origin], len(origins), say)

    def _twin(self, claim: Claim) -> FrozenTrial | None:
        """A finished proposal with the same parameters, with the same score: training is deterministic."""
        done = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return next((trial for trial in done if trial.params == claim.trial.params), None)

    def _finish(self, done: Done) -> None:
        claim = self._claimed.pop(done.task.number)
        if done.worker_died:
            if self._claims.worker_died(claim, RETRIES):
                self._progress.note(f"proposal {claim.number}: its process died; trying again")
            else:
                self.failures += 1
                self._progress.finished(claim.number)
        elif done.error is not None:
            log = done.task.directory / LOG
            self._fail(claim, f"{done.error} (log: {log if log.exists() else log.parent})")
        else:
            self._score(claim, done.value)

    def _fail(self, claim: Claim, cause: str) -> None:
        self.failures += 1
        self._claims.failed(claim, cause)
        self._progress.finished(claim.number)

    def _score(self, claim: Claim, verdict: Verdict) -> None:
        with contextlib.suppress(UpdateFinishedTrialError):  # another process considers this one dead
            claim.trial.set_user_attr("scores", verdict.scores)
            if verdict.by_environment:
                claim.trial.set_user_attr(BY_ENVIRONMENT, verdict.by_environment)
            claim.trial.set_user_attr("statuses", verdict.statuses)
            if verdict.values is None:
                claim.trial.set_user_attr("pruned_at", verdict.pruned_at)
                self._study.tell(claim.number, state=TrialState.PRUNED, skip_if_finished=True)
            else:
                self._study.tell(claim.number, verdict.values, skip_if_finished=True)
        self._progress.finished(claim.number)


def _verdict_of(trial: FrozenTrial) -> Verdict:
    """The outcome recorded in a complete trial."""
    attributes = trial.user_attrs
    of_each = attributes.get(BY_ENVIRONMENT, {})
    return Verdict(trial.values, attributes["scores"], of_each, attributes["statuses"], None)


def _trials_each(plan: Plan) -> str:
    n = len(plan.environments)
    environments = f"{n} environment{'s' * (n > 1)} x " if n else ""
    return f"{environments}{len(plan.seeds)} seeds"


def _start_directory(plan: Plan) -> None:
    plan.directory.mkdir(parents=True, exist_ok=True)
    with read_write(plan.master.hydra):
        plan.master.hydra.sweep.dir = str(plan.directory)
    write_manifest(plan, complete=False)
    write_atomic(plan.directory / "multirun.yaml", OmegaConf.to_yaml(plan.master).encode())


@contextlib.contextmanager
def _last_turn(directory: Path) -> Iterator[None]:
    """Only one process at a time completes a study; the next one finds what was confirmed."""
    if is_locked(directory):
        print("Waiting for another process that confirms and reports the result", flush=True)
    with directory_lock(directory, patience=math.inf):
        yield


def _tell(plan: Plan, study: optuna.Study, analyst: Analyst) -> None:
    """Print the best proposals, the command that runs the best one, and where report and dashboard are."""
    best = best_trials(study.get_trials(deepcopy=False), plan.objectives)
    for trial in best:
        print(
            f"Best: {score_text(trial, plan.objectives)} (proposal {trial.number}): {describe(trial.params)}"
        )
    if best:
        print(f"Run it: {run_command(plan)}")
    else:
        print("No proposal has a finite score: all of them failed, diverged or were pruned.")
    if plan.master.report and best:
        print(f"Report: {analyst.write_report(study, plan.directory / 'report')}")
    print(f"Dashboard: {dashboard_command(plan.location)}")
