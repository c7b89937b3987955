"""From Optuna: the storage of a study, a trial's key in it and what it was queued with, a journal's lock."""

from __future__ import annotations

from typing import Any

from optuna import Study, Trial
from optuna.storages import BaseStorage
from optuna.storages.journal._file import BaseJournalFileLock as JournalFileLock
from optuna.trial import FrozenTrial

TESTED = {"optuna": ["5.0.0"]}

__all__ = ["TESTED", "JournalFileLock", "queued_parameters", "storage_of", "trial_id"]


def storage_of(study: Study) -> BaseStorage:
    """Where `study` is kept: the storage that it uses itself, with what that has cached."""
    storage: BaseStorage = study._storage
    return storage


def trial_id(trial: Trial | FrozenTrial) -> int:
    """The key of `trial` in its storage, which unlike its number is its own among all studies there."""
    key: int = trial._trial_id
    return key


def queued_parameters(trial: Trial) -> dict[str, Any]:
    """What `trial` was queued with; changed in place, other values are suggested."""
    queued: dict[str, Any] = trial._fixed_params
    return queued
