"""Who runs which proposal: each one once, no more than the total, also when processes die.

No lock spans the processes of a study, since they may run on several machines. Instead each one
asks the storage for a trial first and looks at its rank afterwards: trial numbers are given out by
the storage, so that all processes agree on who came too late and withdraws.
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
    is_withdrawn,
    proposals,
    taking_turns,
)

NAMELESS_SECONDS = 10.0
"""A trial that says for so long not whose it is was left by a process that died in the claim."""


@dataclass(frozen=True)
class Claim:
    """A trial that this process is to run; `rank` counts the proposals that were asked for before it was."""

    trial: optuna.Trial
    rank: int

    @property
    def number(self) -> int:
        return self.trial.number

    @property
    def directory(self) -> str:
        """A retried trial goes on in the directory of the one whose process died."""
        return str(self.trial.user_attrs.get(DIRECTORY, f"{self.number:04d}"))


class Claims:
    """The trials of `study`, of which this and other processes run `total` together."""

    def __init__(self, study: optuna.Study, location: str, presence: Presence, total: int) -> None:
        self._study, self._location, self._presence, self._total = study, location, presence, total

    def enqueue(self, points: Mapping[str, Mapping[str, Any]], drawn: str) -> None:
        """Ask for the parameters of each point, by its key once however many processes say so.

        `drawn` tells where they come from (`storage.DRAWN`).
        """
        known = {t.user_attrs.get(KEY) for t in self.trials() if not is_withdrawn(t)}
        for key, point in points.items():
            if key not in known:
                self._study.enqueue_trial(dict(point), user_attrs={KEY: key, DRAWN: drawn})

    def next(self) -> Claim | None:
        """The next trial to run; None while all are done or being run."""
        while len(proposals(self.trials())) < self._total:
            with taking_turns(self._location):
                trial = self._study.ask()
            with contextlib.suppress(UpdateFinishedTrialError):  # taken for dead: it was too slow
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
        """Fail the trials of dead processes and ask for them again; their numbers."""
        dead = [trial for trial in self.unfinished() if self._is_dead(trial)]
        for trial in dead:
            self._give_up(trial_id(trial), {DIED: True})
        self._retry_dead()
        return [trial.number for trial in dead]

    def retry_failed(self) -> None:
        """Ask again for the proposals that failed, as if for the first time: their cause may be mended."""
        self._retry(CAUSE, (DIRECTORY, DRAWN))

    def worker_died(self, claim: Claim, allowed: int) -> bool:
        """Run the trial of a dead worker again, unless it has cost more than `allowed` workers.

        A death counts as long as the process lives that saw it: where that has ended too, the
        whole command was killed, which says nothing about the trial.
        """
        witnesses = [*claim.trial.user_attrs.get(WITNESSES, ()), self._presence.name]
        if sum(map(self._presence.is_alive, witnesses)) > allowed:
            cause = "its process died (killed, or out of memory) each time it was tried"
            self.failed(claim, cause)
            return False
        self._give_up(trial_id(claim.trial), {WITNESSES: witnesses, DIED: True})
        self._retry_dead()
        return True

    def failed(self, claim: Claim, cause: str) -> None:
        self._give_up(trial_id(claim.trial), {CAUSE: cause[:1000]})

    def trials(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def unfinished(self) -> list[FrozenTrial]:
        """The trials that other processes run, or seem to."""
        mine = self._presence.name
        return [
            trial
            for trial in self.trials()
            if trial.state is TrialState.RUNNING and trial.user_attrs.get(PROCESS) != mine
        ]

    def _is_dead(self, trial: FrozenTrial) -> bool:
        process = trial.user_attrs.get(PROCESS)
        if process is None:
            return self._presence.is_silent(f"trial:{trial.number}", None, NAMELESS_SECONDS)
        return not self._presence.is_alive(process)

    def _give_up(self, key: int, attributes: Mapping[str, Any]) -> None:
        storage = storage_of(self._study)
        with contextlib.suppress(UpdateFinishedTrialError):  # another process was quicker
            for name, value in attributes.items():
                storage.set_trial_user_attr(key, name, value)
            self._fail(key)

    def _fail(self, key: int) -> None:
        storage_of(self._study).set_trial_state_values(key, state=TrialState.FAIL)

    def _retry_dead(self) -> None:
        self._retry(DIED, (DIRECTORY, DRAWN, WITNESSES))

    def _retry(self, attribute: str, kept: Sequence[str]) -> None:
        """Ask again for the failed trials that have the `attribute`; what is `kept` goes with them."""
        for trial in proposals(self.trials()):
            if trial.state is TrialState.FAIL and attribute in trial.user_attrs:
                attributes = {name: trial.user_attrs[name] for name in kept if name in trial.user_attrs}
                attributes |= {RETRY_OF: trial.number, KEY: f"retry:{trial.number}"}
                self._study.enqueue_trial(trial.params, user_attrs=attributes)


def _is_repeated(trial: optuna.Trial, trials: Sequence[FrozenTrial]) -> bool:
    """Has another process asked for the same retry, or the same point of a grid, before?"""
    key = trial.user_attrs.get(KEY)
    return key is not None and any(
        other.user_attrs.get(KEY) == key and other.number < trial.number and not is_withdrawn(other)
        for other in trials
    )


def _rank(trial: optuna.Trial, trials: Sequence[FrozenTrial]) -> int:
    """How many proposals were first asked for before this one was; nobody else's death changes that.

    Two proposals of one rank would be drawn alike.
    """
    known = {other.number: other.user_attrs for other in trials}
    first = trial.number
    while RETRY_OF in known[first]:
        first = known[first][RETRY_OF]
    earlier = (number for number in known if number < first and RETRY_OF not in known[number])
    return len({known[number].get(KEY, number) for number in earlier})
