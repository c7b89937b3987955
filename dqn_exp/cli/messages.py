"""Errors in the user's words: Hydra's and our own, in one message without a traceback."""

from __future__ import annotations

import re
import sys
from contextlib import suppress

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException, InstantiationException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from dqn_exp.cli.help import config_groups
from dqn_exp.config import CONF, ConfigError, did_you_mean
from dqn_exp.runs import DamagedRecord, Locked

NULL_CHOSEN = "Config group override must be a string or a list."
"""How Hydra begins to say that a group was given null; it does not say which."""


def explain(error: BaseException) -> str | None:
    """What went wrong and what is allowed; None for an error that is not the user's."""
    if isinstance(error, ConfigError | Locked | DamagedRecord):
        return str(error)
    if isinstance(error, InstantiationException) and isinstance(error.__cause__, ConfigError):
        return str(error.__cause__)
    if isinstance(error, OverrideParseException):
        return f"{error.override}: {error}"
    if isinstance(error, HydraException | OmegaConfBaseException):
        return _explain_hydra(str(error), str(error.__cause__ or ""))
    if isinstance(error, ValueError) and str(error).startswith(NULL_CHOSEN):
        return _explain_null()
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
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


def _explain_null() -> str | None:
    for argument in sys.argv[1:]:
        group, _, value = argument.partition("=")
        if group in (groups := config_groups()) and "null" in value.split(","):
            return (
                f"{argument}: null is no option of {group}. Allowed: {', '.join(groups[group])}, "
                f"or no {group}=... at all"
            )
    return None


def _explain_key(key: str) -> str:
    parent, _, name = key.rpartition(".")
    if parent.endswith((".kwargs", ".options")) or parent.startswith("env.wrappers"):
        return f"{key} is not there yet; write +{key}=... to add it"
    known = _keys_of(parent)
    close = did_you_mean(name, known)
    return f"{key} is not a key.{close} Allowed{f' in {parent}' if parent else ''}: {', '.join(known)}"


def _keys_of(section: str) -> list[str]:
    """The keys of `section` with the config groups that the command line chooses, as far as it is right."""
    groups = [argument for argument in sys.argv[1:] if _chooses_group(argument)]
    for choices in (groups, []):
        with suppress(HydraException, OmegaConfBaseException):
            with initialize_config_dir(str(CONF), version_base="1.3"):
                composed = compose("config", choices, return_hydra_config=True)
            node = OmegaConf.select(composed, section) if section else composed
            return [str(key) for key in node] if isinstance(node, DictConfig) else []
    return []


def _chooses_group(argument: str) -> bool:
    group, _, choice = argument.partition("=")
    return choice != "" and "," not in choice and (CONF / group).is_dir()
