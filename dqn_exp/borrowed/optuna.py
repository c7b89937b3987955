"""Private parts of Optuna: a study's storage, a trial's key and queued parameters, a journal's lock."""

from __future__ import annotations

from typing import Any

from optuna import Study, Trial
from optuna.storages import BaseStorage
from optuna.storages.journal._file import BaseJournalFileLock as JournalFileLock
from optuna.trial import FrozenTrial

TESTED = {"optuna": ["5.0.0"]}

__all__ = ["TESTED", "JournalFileLock", "queued_parameters", "storage_of", "trial_id"]


def storage_of(study: Study) -> BaseStorage:
    """The storage that `study` itself uses, with its cache."""
    storage: BaseStorage = study._storage
    return storage


def trial_id(trial: Trial | FrozenTrial) -> int:
    """The key of `trial` in its storage; unlike its number, it is unique among all studies in the storage."""
    key: int = trial._trial_id
    return key


def queued_parameters(trial: Trial) -> dict[str, Any]:
    """The parameters that `trial` was queued with; changing them in place changes the suggested values."""
    queued: dict[str, Any] = trial._fixed_params
    return queued
