"""Convert Python values to overrides: `{"network.hidden": [64, 64]}` becomes `network.hidden=[64,64]`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from dqn_exp.cli import is_open
from dqn_exp.config import ConfigError
from dqn_exp.launch import UNTIL_DECIDED
from dqn_exp.plan import quoted

Values = Mapping[str, Any]
"""Values by the keys of the command line, "buffer" or "network.hidden"; or nested, {"network": {...}}."""
Seeds = int | Iterable[int] | str


@dataclass(frozen=True)
class Interval:
    """All numbers from `low` to `high`, for a study; see `interval`."""

    low: float | str
    high: float | str
    log: bool = False


def interval(low: float | str, high: float | str, log: bool = False) -> Interval:
    """All numbers from `low` to `high`, both included, as the values of a key in `study(space=...)`.

    If both ends are whole numbers, only whole numbers are searched. Ends may be sizes such as "50k". With
    `log`, each factor of ten gets an equal share of the search.
    """
    return Interval(low, high, log)


def overrides_of(values: Values) -> list[str]:
    """One override for each value; raises ConfigError for a value that a configuration cannot contain."""
    return [f"{_override_key(key)}={as_text(value)}" for key, value in _flat(values)]


def axes_of(values: Mapping[str, Iterable[Any] | Interval], name: str) -> list[str]:
    """One override for each axis, with all of its values; `name`: the argument's name, for messages.

    Raises ConfigError if an axis has no list of values.
    """
    return [
        f"{_override_key(key)}={_axis(value, f'{name}={{{key!r}: {value!r}}}')}"
        for key, value in values.items()
    ]


def seeds_of(given: Seeds | None) -> list[str]:
    """The override of the seeds; empty if the defaults apply. Raises ConfigError."""
    if given is None:
        return []
    if given == UNTIL_DECIDED:
        text = UNTIL_DECIDED
    elif isinstance(given, int) and not isinstance(given, bool) and given > 0:
        text = f"range({given})"
    elif isinstance(given, Iterable) and not isinstance(given, str):
        text = ",".join(map(as_text, given))
    else:
        raise ConfigError(
            f"seeds={given!r}: allowed: a number of seeds such as 5, a list of seeds, or {UNTIL_DECIDED!r}"
        )
    return [f"seed={text}"]


def as_text(value: Any) -> str:
    """`value` in Hydra's grammar; raises ConfigError if it cannot be written in it."""
    if hasattr(value, "tolist"):  # numbers and arrays of numpy and pandas
        return as_text(value.tolist())
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return _quoted_if_needed(value)
        case os.PathLike():
            return _quoted_if_needed(os.fspath(value), may_be_number=False)
        case Mapping():
            return f"{{{','.join(f'{as_text(key)}:{as_text(each)}' for key, each in value.items())}}}"
        case list() | tuple() | range():
            return f"[{','.join(map(as_text, value))}]"
    raise ConfigError(
        f"{value!r}: a configuration cannot have values of type {type(value).__name__}; allowed: "
        f"numbers, strings, True, False, None, and lists and dicts of these"
    )


def _axis(values: Any, written: str) -> str:
    if isinstance(values, Interval):
        ends = f"interval({as_text(values.low)},{as_text(values.high)})"
        return f"tag(log,{ends})" if values.log else ends
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        raise ConfigError(f"{written}: allowed: a list of values")
    return ",".join(map(as_text, values))


def place_of(key: str, directory: str | os.PathLike[str] | None) -> list[str]:
    """The override of a directory; empty if the default applies."""
    return (
        [] if directory is None else [f"{key}={_quoted_if_needed(os.fspath(directory), may_be_number=False)}"]
    )


def _quoted_if_needed(text: str, may_be_number: bool = True) -> str:
    """`text` as it is if Hydra reads it as the same text, or as a number; otherwise in quotes."""
    try:
        override = _parser.parse_override(f"key={text}")
    except HydraException:
        return quoted(text)
    value = override.value()
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_meant = value == text or (is_number and may_be_number)
    return text if text and is_meant and not override.is_sweep_override() else quoted(text)


_parser = OverridesParser.create()


def _flat(values: Values, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Pairs of dotted key and value."""
    for key, value in values.items():
        if not isinstance(key, str):
            raise ConfigError(f"{prefix}{key!r}: keys must be strings, such as 'buffer' or 'env.id'")
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _override_key(key: str) -> str:
    """`key` for an override, with ++ in sections with free keys, where it may be a new key."""
    return f"++{key}" if is_open(key) else key
