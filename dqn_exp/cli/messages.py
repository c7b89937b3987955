"""Turn errors of Hydra and our own into one message for the user, without a traceback."""

from __future__ import annotations

import re
import shlex
import sys
from contextlib import suppress

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException, InstantiationException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from dqn_exp.cli.help import config_groups
from dqn_exp.config import CONF, ConfigError, did_you_mean, dotted, group_key
from dqn_exp.runs import DamagedRecord, Locked
from dqn_exp.workers import ClusterLost

NULL_CHOSEN = "Config group override must be a string or a list."
"""The beginning of Hydra's message if a group is null; it does not name the group."""

NO_PLACE = "invalid literal for int() with base 10: "
"""The beginning of OmegaConf's message if a list has no such key; it does not name the list."""
OPEN = tuple(
    f"{section}."
    for section in (
        "env.kwargs",
        "evaluation.env.kwargs",
        "env.wrappers",
        "network.options",
        "network.head.options",
        "agent.options",
        "agent.munchausen",
        "observers",
    )
)
"""Sections with free keys, which depend on the chosen part."""


def is_open(key: str) -> bool:
    """Whether `key` is in a section with free keys."""
    return key.startswith(OPEN)


def explain(error: BaseException) -> str | None:
    """The message with the problem and what is allowed; None if the error is not the user's."""
    if isinstance(error, ConfigError | Locked | DamagedRecord | ClusterLost):
        return str(error)
    if isinstance(error, InstantiationException) and isinstance(error.__cause__, ConfigError):
        return str(error.__cause__)
    if isinstance(error, OverrideParseException):
        return _explain_syntax(str(error.override), str(error))
    if isinstance(error, HydraException | OmegaConfBaseException):
        return _explain_hydra(str(error), str(error.__cause__ or ""))
    if isinstance(error, ValueError) and str(error).startswith(NULL_CHOSEN):
        return _explain_null()
    if isinstance(error, ValueError) and str(error).startswith(NO_PLACE):
        return _explain_place(str(error))
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return None


def _explain_syntax(override: str, message: str) -> str:
    """The message for an override with wrong syntax, with advice on how to write it."""
    key, equals, value = override.partition("=")
    reason = next(line for line in message.splitlines() if line and not line.startswith("Error parsing"))
    if override[0] in "'\"":
        advice = "the same without these quotes, which the shell did not remove"
    elif not equals or value.endswith(",") or key != key.strip() or value != value.strip():
        advice = "key=value or key=a,b,c as one word, without spaces"
    else:
        quoted = shlex.quote(f'{key}="{value}"')
        advice = f"a number, a word, [a,b] or range(5); any other text in quotes: {quoted}"
    return f"{override}: {reason.partition(' expecting ')[0]}; allowed: {advice}"


def _explain_hydra(message: str, cause: str) -> str:
    unknown_key = re.search(r"Could not override '([^']+)'", message)
    if unknown_key:
        return _explain_key(unknown_key.group(1))
    unknown_option = re.search(r"Could not find '([^']+)/([^'/]+)'", message)
    if unknown_option:
        group, name = unknown_option.groups()
        names = re.findall(r"^\t(\S+)$", message, re.MULTILINE)
        group = dotted(group)
        return f"{group}={name}: unknown.{did_you_mean(name, names)} Allowed: {', '.join(names)}"
    return f"{message}\n{cause}".strip()


def _explain_place(message: str) -> str | None:
    for argument in sys.argv[1:]:
        parent, _, name = argument.partition("=")[0].rpartition(".")
        if parent and message == f"{NO_PLACE}{name!r}":
            return f"{argument}: {parent} is a list and has no key {name}; allowed: '{parent}=[...]'"
    return None


def _explain_null() -> str | None:
    for argument in sys.argv[1:]:
        group, _, value = dotted(argument).partition("=")
        if group in (groups := config_groups()) and "null" in value.split(","):
            return (
                f"{argument}: null is not an option of {group}. Allowed: {', '.join(groups[group])}, "
                f"or no {group}=... at all"
            )
    return None


def _explain_key(key: str) -> str:
    parent, _, name = key.rpartition(".")
    if is_open(f"{parent}."):
        return f"{key} does not exist yet; write +{key}=... to add it"
    if key.startswith(("hydra/sweeper/", "hydra.sweeper.")) and "n_trials" not in _keys_of("hydra.sweeper"):
        return f"{key} is an option of studies, and this is a plain sweep; allowed: with hydra/sweeper=optuna"
    known = _keys_of(parent)
    if not known:
        return _explain_key(parent)
    if is_open(f"{key}."):
        return f"{key} takes its keys one by one: +{key}.NAME=VALUE"
    if name in known:
        return f"{key} is a value and has no keys of its own"
    close = did_you_mean(name, known)
    allowed = f" Allowed{f' in {parent}' if parent else ''}: {', '.join(known)}"
    elsewhere = _options_that_have(parent, name)
    others = f". It is a key of {' and '.join(elsewhere)}" if elsewhere else ""
    return f"{key} is not a key.{close}{allowed}{others}"


def _options_that_have(section: str, name: str) -> list[str]:
    """The options of the config group of `section` that have a key `name` in `section`."""
    group = group_key(section)
    if group == section:
        group = section.partition(".")[0]
    options = [f"{group}={path.stem}" for path in sorted((CONF / group).glob("*.yaml"))] if group else []
    matching = [option for option in options if name in (_composed_keys(section, [option]) or ())]
    return list(map(dotted, matching))


def _keys_of(section: str) -> list[str]:
    """The keys of `section` with the config groups of the command line, or with the defaults if invalid."""
    groups = [argument for argument in sys.argv[1:] if _chooses_group(argument)]
    key_sets = (_composed_keys(section, choices) for choices in (groups, []))
    return next((keys for keys in key_sets if keys is not None), [])


def _composed_keys(section: str, choices: list[str]) -> list[str] | None:
    """The keys of `section` with the config groups `choices`; None if they cannot be composed."""
    with suppress(HydraException, OmegaConfBaseException):
        with initialize_config_dir(str(CONF), version_base="1.3"):
            composed = compose("config", choices, return_hydra_config=True)
        node = OmegaConf.select(composed, section) if section else composed
        return [str(key) for key in node] if isinstance(node, DictConfig) else []
    return None


def _chooses_group(argument: str) -> bool:
    group, _, choice = argument.partition("=")
    return choice != "" and "," not in choice and (group == "sweeps" or (CONF / group).is_dir())
