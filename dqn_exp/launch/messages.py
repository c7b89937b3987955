"""Errors in the user's words: Hydra's and our own, in one message without a traceback."""

from __future__ import annotations

import re

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from dqn_exp.config import known_keys
from dqn_exp.errors import ConfigError, did_you_mean
from dqn_exp.runs.lock import Locked


def explain(error: BaseException) -> str | None:
    """What went wrong and what is allowed; None for an error that is not the user's."""
    if isinstance(error, ConfigError | Locked):
        return str(error)
    if isinstance(error, HydraException | OmegaConfBaseException):
        return _explain_hydra(str(error), str(error.__cause__ or ""))
    return None


def _explain_hydra(message: str, cause: str) -> str:
    unknown_key = re.search(r"Could not override '([^']+)'", message)
    if unknown_key:
        return _explain_key(unknown_key.group(1))
    unknown_option = re.search(r"Could not find '([^']+)/([^'/]+)'", message)
    if unknown_option:
        group, name = unknown_option.groups()
        names = re.findall(r"^\t(\S+)$", message, re.MULTILINE)
        return f"{group}={name}: unknown.{did_you_mean(name, names)} Allowed: {', '.join(names)}"
    return f"{message}\n{cause}".strip()


def _explain_key(key: str) -> str:
    parent, _, name = key.rpartition(".")
    if parent in ("env.kwargs", "network.options"):
        return f"{key} is not there yet; write +{key}=... to add it"
    known = known_keys(parent)
    close = did_you_mean(name, known)
    return f"{key} is not a key.{close} Allowed{f' in {parent}' if parent else ''}: {', '.join(known)}"
