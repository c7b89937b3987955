"""From plain values to a `Config`, and from pydantic's complaints to one clear line for each bad key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import ValidationError

from dqn_exp.config.errors import ConfigError, did_you_mean
from dqn_exp.config.schema import SHORT_NAMES, Config


def parse_config(values: Mapping[str, Any]) -> Config:
    """A `Config` from plain nested values; raises ConfigError with one line per bad key."""
    _refuse_targets(values)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        problems: dict[tuple[str, ...], list[Any]] = {}
        for problem in error.errors():
            problems.setdefault(_path(problem, values), []).append(problem)
        lines = [
            _explain(path, *alternatives)
            for path, alternatives in problems.items()
            if _other_name(path) not in problems or _was_given(path, values)
        ]
        raise ConfigError("\n".join(lines)) from None


def _other_name(path: tuple[str, ...]) -> tuple[str, ...] | None:
    """The short name of a part's key, or the key that a short name stands for; None for other keys."""
    key = ".".join(path)
    for long, short in SHORT_NAMES.items():
        if key in (long, short):
            return (short,) if key == long else tuple(long.split("."))
    return None


def _was_given(path: tuple[str, ...], values: Any) -> bool:
    """Of two names of one wrong value: is this the one that was given? The short one, if they agree."""
    long = path if len(path) > 1 else _other_name(path)
    assert long is not None
    short_value, long_value = values.get(SHORT_NAMES[".".join(long)]), values[long[0]].get(long[1])
    agree = repr(short_value) == repr(long_value)  # NaN equals itself here
    return agree == (len(path) == 1)


def _path(problem: Any, values: Any) -> tuple[str, ...]:
    """The keys that lead to a problem, less the names of union members and validators."""
    path = []
    for part in problem["loc"]:
        if (isinstance(values, Mapping) and part in values) or (
            isinstance(values, list) and isinstance(part, int)
        ):
            values = values[part]
        elif not (problem["type"] == "missing" and part == problem["loc"][-1]):
            continue
        path.append(str(part))
    return tuple(path)


def _explain(path: tuple[str, ...], problem: Any, *others: Any) -> str:
    """One problem in words: key, value, what is allowed; `others` are of further types the key may have."""
    key, kind, context = ".".join(path), problem["type"], problem.get("ctx", {})
    if kind == "missing":
        return f"{key} is missing"
    if kind == "extra_forbidden":
        known = _fields(path[:-1])
        return f"{key} is not a key.{did_you_mean(path[-1], known)} Allowed: {', '.join(known)}"
    if kind == "union_tag_invalid":
        return f"{key}.name={context['tag']!r}: allowed: {context['expected_tags']}"
    message = str(context.get("error", problem["msg"])).replace("Input should be", "must be")
    if kind == "literal_error":
        choices = _choices(problem)
        message = f"allowed: {', '.join(choices)}.{did_you_mean(str(problem['input']), choices)}"
    for other in others:
        if other["type"] == "literal_error":
            message += f", or {', '.join(_choices(other))}"
    return f"{key}={problem['input']!r}: {message}" if key else message


def _choices(problem: Any) -> list[str]:
    expected: str = problem["ctx"]["expected"]
    return expected.replace("'", "").replace(" or ", ", ").split(", ")


def _fields(path: tuple[str, ...]) -> list[str]:
    """Names of the keys that the section at `path` knows."""
    sections: list[Any] = [Config]
    for part in path:
        annotations = [s.model_fields[part].annotation for s in sections if part in s.model_fields]
        sections = [s for a in annotations for s in (get_args(a) or (a,))]
    return list(dict.fromkeys(name for s in sections for name in s.model_fields))


def _refuse_targets(values: Any, prefix: str = "") -> None:
    """A configuration is data: Hydra's `_target_` would make it code."""
    items: Any = values.items() if isinstance(values, Mapping) else ()
    if isinstance(values, list | tuple):
        items = enumerate(values)
    for key, value in items:
        if key == "_target_":
            raise ConfigError(
                f"{prefix}_target_={value!r} is refused: a configuration names parts, it does "
                f"not call code. Put your code in a module and name it in imports=[...]"
            )
        _refuse_targets(value, f"{prefix}{key}.")
