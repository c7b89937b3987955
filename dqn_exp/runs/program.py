"""Compare the program that trained a recorded trial with this one, in all that can change the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dqn_exp.config import Config
from dqn_exp.runs import code
from dqn_exp.runs.provenance import environment

NO_SAY = ("dqn_exp", "hydra-core", "optuna", "joblib")
"""Packages whose versions do not change results. For dqn_exp itself, the source code is compared."""
Facts = Mapping[str, str | None]


def attempts_of(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The attempts in a description; a description of format 1 is itself that of the latest attempt.

    Raises ValueError if `attempts` is not a list of one or more attempts.
    """
    if not record:
        return []
    if record["format"] == 1:
        return [{key: value for key, value in record.items() if key not in _OF_THE_TRIAL}]
    attempts = record["attempts"]
    if not isinstance(attempts, list) or not attempts or not all(isinstance(one, dict) for one in attempts):
        raise ValueError(f"attempts={attempts!r}: allowed: a list of at least one attempt")
    return attempts


_OF_THE_TRIAL = ("format", "config", "config_hash", "seed", "learner", "device")


def differences(record: Mapping[str, Any], config: Config) -> list[str]:
    """Differences between the program that trained the trial of `record` and this one for `config`.

    Each difference is one text, listed once. The list is empty if all attempts are known to have used the
    same source code, modules, versions and processor model, and each continued the previous one exactly.
    """
    here = {**environment(), "parts": code.parts(config)}
    texts = [text for attempt in attempts_of(record) for text in _differences(attempt, here)]
    return list(dict.fromkeys(texts))


def _differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[str]:
    for name in _differing(_code(there), _code(here)):
        yield f"other code of {name}"
    versions = _versions(there), _versions(here)
    for name in _differing(*versions):
        trained_with, installed = (known.get(name) or "none" for known in versions)
        yield f"{name} {trained_with} instead of {installed}"
    if not there.get("exact", False):
        yield "not continued exactly"


def _code(attempt: Mapping[str, Any]) -> Facts:
    return {code.OURS: attempt.get("source"), **(attempt.get("parts") or {})}


def _versions(attempt: Mapping[str, Any]) -> Facts:
    versions: Mapping[str, str] = attempt.get("versions") or {}
    known = {name: version for name, version in versions.items() if name not in NO_SAY}
    return {**known, "processor": attempt.get("cpu")}


def _differing(there: Facts, here: Facts) -> list[str]:
    """The names whose facts differ; a fact that is unknown on either side counts as different."""
    return [name for name in {**here, **there} if here.get(name) is None or here[name] != there.get(name)]
