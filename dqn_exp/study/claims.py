"""Assign proposals to processes: each proposal runs once, and no more than the total, even if processes die.

The processes of a study may run on several machines, so they share no lock. Instead, each process first
asks the storage for a trial and then looks at its rank. The storage assigns the trial numbers, so all
processes agree on which trials are beyond the total; their processes withdraw them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from dqn_exp.borrowed import storage_of, trial_id
from dqn_exp.study.presence import Presence
from dqn_exp.study.storage import (
    CAUSE,
    DIED,
    DIRECTORY,
    DRAWN,
    KEY,
    PROCESS,
    RETRY_OF,
    WITHDRAWN,
    WITNESSES,
    exclusive_turn,
    is_withdrawn,
    proposals,
)

NAMELESS_SECONDS = 10.0
"""A trial without an owner for so many seconds was left by a process that died while it claimed the trial."""


@dataclass(frozen=True)
class Claim:
    """A trial that this process has to run; `rank` is the number of proposals requested before it."""

    trial: optuna.Trial
    rank: int

    @property
    def number(self) -> int:
        return self.trial.number

    @property
    def directory(self) -> str:
        """The trial's directory; a retried trial continues in the directory of the one whose process died."""
        return str(self.trial.user_attrs.get(DIRECTORY, f"{self.number:04d}"))


class Claims:
    """The trials of `study`; this process and others together run `total` of them."""

    def __init__(self, study: optuna.Study, location: str, presence: Presence, total: int) -> None:
        self._study, self._location, self._presence, self._total = study, location, presence, total

    def enqueue(self, points: Mapping[str, Mapping[str, Any]], drawn: str) -> None:
        """Queue the parameters of each point, once for each key even if several processes call this.

        `drawn` says where the parameters come from (`storage.DRAWN`).
        """
        known = {t.user_attrs.get(KEY) for t in self.trials() if not is_withdrawn(t)}
        for key, point in points.items():
            if key not in known:
                self._study.enqueue_trial(dict(point), user_attrs={KEY: key, DRAWN: drawn})

    def next(self) -> Claim | None:
        """The next trial to run; None if all proposals are finished or running."""
        while len(proposals(self.trials())) < self._total:
            with exclusive_turn(self._location):
                trial = self._study.ask()
            with contextlib.suppress(UpdateFinishedTrialError):  # we were too slow and considered dead
                trial.set_user_attr(PROCESS, self._presence.name)
                trials = self.trials()
                n_before = sum(other.number < trial.number for other in proposals(trials))
                if n_before < self._total and not _is_repeated(trial, trials):
                    claim = Claim(trial, _rank(trial, trials))
                    trial.set_user_attr(DIRECTORY, claim.directory)
                    return claim
                trial.set_user_attr(WITHDRAWN, True)
                self._fail(trial_id(trial))
        return None

    def recover(self) -> list[int]:
        """Mark the trials of dead processes as failed and queue them again; returns their numbers.

        A trial that repeats another is withdrawn instead, as its process would have done had it lived.
        """
        dead = [trial for trial in self.unfinished() if self._is_dead(trial)]
        for trial in dead:
            outcome = WITHDRAWN if _is_repeated(trial, self.trials()) else DIED
            self._mark_failed(trial_id(trial), {outcome: True})
        self._retry_dead()
        return [trial.number for trial in dead]

    def retry_failed(self) -> None:
        """Queue failed proposals again, as if for the first time: the cause may have been removed."""
        self._retry(CAUSE, (DIRECTORY, DRAWN))

    def worker_died(self, claim: Claim, allowed: int) -> bool:
        """Queue the trial of a dead worker again; False if it has already cost more than `allowed` workers.

        A death counts only while the process that saw it lives. If that process is dead, too, the whole
        command was killed, which says nothing about the trial.
        """
        witnesses = [*claim.trial.user_attrs.get(WITNESSES, ()), self._presence.name]
        if sum(map(self._presence.is_alive, witnesses)) > allowed:
            cause = "its process died (killed, or out of memory) each time it was tried"
            self.failed(claim, cause)
            return False
        self._mark_failed(trial_id(claim.trial), {WITNESSES: witnesses, DIED: True})
        self._retry_dead()
        return True

    def failed(self, claim: Claim, cause: str) -> None:
        self._mark_failed(trial_id(claim.trial), {CAUSE: cause[:1000]})

    def trials(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def unfinished(self) -> list[FrozenTrial]:
        """The trials that other processes run or seem to run."""
        own_name = self._presence.name
        return [
            trial
            for trial in self.trials()
            if trial.state is TrialState.RUNNING and trial.user_attrs.get(PROCESS) != own_name
        ]

    def _is_dead(self, trial: FrozenTrial) -> bool:
        process = trial.user_attrs.get(PROCESS)
        if process is None:
            return self._presence.is_silent(f"trial:{trial.number}", None, NAMELESS_SECONDS)
        return not self._presence.is_alive(process)

    def _mark_failed(self, key: int, attributes: Mapping[str, Any]) -> None:
        storage = storage_of(self._study)
        with contextlib.suppress(UpdateFinishedTrialError):  # another process was faster
            for name, value in attributes.items():
                storage.set_trial_user_attr(key, name, value)
            self._fail(key)

    def _fail(self, key: int) -> None:
        storage_of(self._study).set_trial_state_values(key, state=TrialState.FAIL)

    def _retry_dead(self) -> None:
        self._retry(DIED, (DIRECTORY, DRAWN, WITNESSES))

    def _retry(self, attribute: str, kept: Sequence[str]) -> None:
        """Queue again the failed trials that have the `attribute`, with their attributes in `kept`."""
        for trial in proposals(self.trials()):
            if trial.state is TrialState.FAIL and attribute in trial.user_attrs:
                attributes = {name: trial.user_attrs[name] for name in kept if name in trial.user_attrs}
                attributes |= {RETRY_OF: trial.number, KEY: f"retry:{trial.number}"}
                self._study.enqueue_trial(trial.params, user_attrs=attributes)


def _is_repeated(trial: optuna.Trial | FrozenTrial, trials: Sequence[FrozenTrial]) -> bool:
    """Whether another process requested the same retry or the same queued point before."""
    key = trial.user_attrs.get(KEY)
    return key is not None and any(
        other.user_attrs.get(KEY) == key and other.number < trial.number and not is_withdrawn(other)
        for other in trials
    )


def _rank(trial: optuna.Trial, trials: Sequence[FrozenTrial]) -> int:
    """The number of proposals that were first requested before this one; retries do not change it.

    The rank seeds the sampler, so two proposals of the same rank would be drawn alike.
    """
    known = {other.number: other.user_attrs for other in trials}
    first = trial.number
    while RETRY_OF in known[first]:
        first = known[first][RETRY_OF]
    earlier = (number for number in known if number < first and RETRY_OF not in known[number])
    return len({known[number].get(KEY, number) for number in earlier})
