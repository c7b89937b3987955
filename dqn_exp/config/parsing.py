"""Make a `Config` from plain values, and turn pydantic's errors into one clear line for each bad key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import ValidationError

from dqn_exp.config.errors import ConfigError, did_you_mean
from dqn_exp.config.schema import SHORT_NAMES, Config


def parse_config(values: Mapping[str, Any]) -> Config:
    """Make a `Config` from plain nested values; raises ConfigError with one line for each bad key."""
    _refuse_targets(values)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        problems: dict[tuple[str, ...], list[Any]] = {}
        for problem in error.errors():
            problems.setdefault(_path(problem, values), []).append(problem)
        lines = [_explain(path, values, *explanation) for path, explanation in problems.items()]
        raise ConfigError("\n".join(lines)) from None


def refuse_second_names(overrides: Iterable[str]) -> None:
    """Raise ConfigError if one command sets a value by both its short and its long name."""
    given = {override.partition("=")[0].lstrip("+~") for override in overrides}
    for name, short in SHORT_NAMES.items():
        if {name, short} <= given:
            raise ConfigError(f"{short} and {name} are two names of the same value; allowed: one of them")


def refuse_unused_names(overrides: Iterable[str], config: Config) -> None:
    """Raise ConfigError if an override sets a short name that the chosen part does not have."""
    given = dict(override.partition("=")[::2] for override in overrides)
    for name, short in SHORT_NAMES.items():
        section, key = name.split(".")
        part, used = getattr(config, section), getattr(config, short)
        written = "null" if used is None else str(used)
        if key not in type(part).model_fields and given.get(short, written) != written:
            raise ConfigError(
                f"{short}={given[short]}: {section}={part.name} has no key {short}; "
                f"allowed: {short}={written}, or another {section}"
            )


def _given_key(path: tuple[str, ...], values: Mapping[str, Any]) -> str:
    """The key by which a wrong value was set: its short name, if that has the same value."""
    key = ".".join(path)
    short = SHORT_NAMES.get(key)
    if short is None or short not in values:
        return key
    value = values[path[0]].get(path[1])
    return short if repr(values[short]) == repr(value) else key  # with repr, NaN equals NaN


def _path(problem: Any, values: Any) -> tuple[str, ...]:
    """The keys that lead to a problem, without the names of union members and validators."""
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


def _explain(path: tuple[str, ...], values: Mapping[str, Any], problem: Any, *others: Any) -> str:
    """The message for a problem: key, value, what is allowed; `others`: problems with other allowed types."""
    key, kind, context = _given_key(path, values), problem["type"], problem.get("ctx", {})
    if kind == "missing":
        return f"{key} is missing"
    if kind == "extra_forbidden":
        known = _fields(path[:-1], values)
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


def _fields(path: tuple[str, ...], values: Mapping[str, Any]) -> list[str]:
    """The names of the keys of the section at `path`; for a part with a name, those of the chosen part."""
    if not path:
        return [*SHORT_NAMES.values(), *Config.model_fields]
    sections: list[Any] = [Config]
    for part in path:
        annotations = [s.model_fields[part].annotation for s in sections if part in s.model_fields]
        sections = [_without_tag(s) for a in annotations for s in (get_args(a) or (a,))]
        values = values[part]
    if len(sections) > 1:
        named = [s for s in sections if values["name"] in get_args(s.model_fields["name"].annotation)]
        sections = named or sections[-1:]  # the last section is the one for users' own names
    return [name for section in sections for name in section.model_fields]


def _without_tag(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _refuse_targets(values: Any, prefix: str = "") -> None:
    """Raise ConfigError if `_target_`, by which Hydra calls code, occurs anywhere in `values`."""
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
