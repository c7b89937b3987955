"""Refuse keys of the sections `agent` and `network` that the chosen agent or network does not read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from dqn_exp.config import AgentConfig, Config, ConfigError, as_yaml
from dqn_exp.registry import agents, networks

OPTIONS = "options"
"""The key that parts of one's own read, and built-in parts do not."""


def check_unread(config: Config) -> None:
    """Raise ConfigError, with a line for each key, if keys are set that would change nothing.

    The modules in `imports` must have been imported.
    """
    if problems := [*_options_of_built_in_parts(config), *_keys_of_an_own_agent(config.agent)]:
        raise ConfigError("\n".join(problems))


def _options_of_built_in_parts(config: Config) -> Iterator[str]:
    parts = (("agent", config.agent, agents), ("network", config.network, networks))
    for section, part, registry in parts:
        if part.options and registry.is_built_in(part.name):
            given = ", ".join(
                f"{section}.{OPTIONS}.{key}={as_yaml(value)}" for key, value in part.options.items()
            )
            yield (
                f"{given}: {section}.name={part.name} is built in and reads no {section}.{OPTIONS}; "
                f"allowed: {section}.{OPTIONS}={{}}, or {section}.name=one of your own"
            )


def _keys_of_an_own_agent(agent: AgentConfig) -> Iterator[str]:
    if agents.is_built_in(agent.name):
        return
    read = {"name", OPTIONS, *_keys(agent.name)}
    for key, field in AgentConfig.model_fields.items():
        value = getattr(agent, key)
        if key not in read and value != field.default:
            yield (
                f"agent.{key}={_written(value)}: agent.name={agent.name} does not read {key}; "
                f"allowed: {_written(field.default)}, or '{key}' in the agent's attribute `keys`"
            )


def _keys(name: str) -> tuple[str, ...]:
    """The keys of the section `agent`, besides `options`, that an agent of one's own says it reads."""
    keys: tuple[str, ...] = tuple(getattr(agents[name], "keys", ()))
    if unknown := [key for key in keys if key not in AgentConfig.model_fields]:
        raise ConfigError(
            f"agent.name={name}: its attribute `keys` names {', '.join(unknown)}; "
            f"allowed: {', '.join(AgentConfig.model_fields)}"
        )
    return keys


def _written(value: Any) -> str:
    return as_yaml(value.model_dump() if isinstance(value, BaseModel) else value)
