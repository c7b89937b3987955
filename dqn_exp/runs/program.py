"""Was a recorded trial trained by this very program? Whatever else may decide its numbers is part of that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dqn_exp.config import Config
from dqn_exp.runs import code
from dqn_exp.runs.provenance import environment

NO_SAY = ("dqn_exp", "hydra-core", "optuna", "joblib")
"""Packages whose versions decide no number; of the first one the source is compared."""
Facts = Mapping[str, str | None]


def attempts_of(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The attempts that a description tells of; one of format 1 is itself that of the latest.

    Raises ValueError where it does not tell of any.
    """
    if not record:
        return []
    if record["format"] == 1:
        return [{key: value for key, value in record.items() if key not in _OF_THE_TRIAL}]
    attempts = record["attempts"]
    if not isinstance(attempts, list) or not attempts or not all(isinstance(one, dict) for one in attempts):
        raise ValueError(f"attempts={attempts!r}: allowed: a list of one or more, each with what it ran on")
    return attempts


_OF_THE_TRIAL = ("format", "config", "config_hash", "seed", "learner", "device")


def differences(record: Mapping[str, Any], config: Config) -> list[str]:
    """In what the program that trained the trial of `record` was another than would train `config` now.

    In words, each once. Empty where all attempts at it are known to have been made with the same source,
    modules and versions on such a processor, each going on exactly where the one before ended.
    """
    here = {**environment(), "parts": code.parts(config)}
    found = [text for attempt in attempts_of(record) for text in _differences(attempt, here)]
    return list(dict.fromkeys(found))


def _differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[str]:
    for name in _differing(_code(there), _code(here)):
        yield f"other code of {name}"
    versions = _versions(there), _versions(here)
    for name in _differing(*versions):
        was, now = (known.get(name) or "none" for known in versions)
        yield f"{name} {was} instead of {now}"
    if not there.get("exact", False):
        yield "not continued exactly"


def _code(attempt: Mapping[str, Any]) -> Facts:
    return {code.OURS: attempt.get("source"), **(attempt.get("parts") or {})}


def _versions(attempt: Mapping[str, Any]) -> Facts:
    versions: Mapping[str, str] = attempt.get("versions") or {}
    known = {name: version for name, version in versions.items() if name not in NO_SAY}
    return {**known, "processor": attempt.get("cpu")}


def _differing(there: Facts, here: Facts) -> list[str]:
    """What is unknown on either side differs."""
    return [name for name in {**here, **there} if here.get(name) is None or here[name] != there.get(name)]
