"""The search of a study: request, run and score proposals as workers become free, until all are done."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from dqn_exp.borrowed import queued_parameters, trial_id
from dqn_exp.config import ConfigError
from dqn_exp.launch import Reuse
from dqn_exp.plan import PlannedTrial
from dqn_exp.runs import provenance
from dqn_exp.study.claims import Claim, Claims
from dqn_exp.study.distributions import suggest
from dqn_exp.study.environments import refuse_choice
from dqn_exp.study.plan import StudyPlan
from dqn_exp.study.progress import StudyProgress
from dqn_exp.study.proposal import LOG, Proposal, Verdict, run_proposal
from dqn_exp.study.storage import BY_ENVIRONMENT, DIRECTORY, DRAWN, QUEUED
from dqn_exp.workers import Done, Engine, write_hydra_directory

POLL_SECONDS = 2.0
"""Seconds between two checks of other processes' trials."""
RETRIES = 1
"""A proposal is run again after so many deaths of its worker; after one more it has failed."""
TRIALS = "trials"


class Search:
    """The search by this process; other processes may search in the same study."""

    def __init__(
        self, plan: StudyPlan, study: optuna.Study, claims: Claims, engine: Engine, reuse: Reuse
    ) -> None:
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
        twin = self._equal_proposal(claim)
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
        queued.update(plan.space.converted(queued, may_have_more=plan.extend is not None))
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

    def _equal_proposal(self, claim: Claim) -> FrozenTrial | None:
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
