"""The reference of all keys of a trial's configuration: meaning, range and default, from the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from dqn_exp.config.schema import SHORT_NAMES, Config

Schema = Mapping[str, Any]
Values = Mapping[str, Any]
NO_DEFAULT = object()


class Key(NamedTuple):
    """One row of the reference."""

    name: str
    """The dotted name, as typed: `replay.capacity`."""
    short: str | None
    """The short name, such as `buffer`; None if it has none."""
    option: str | None
    """The option of a group that has the key, such as `replay=prioritised`; None if all options have it."""
    meaning: str
    allowed: str
    default: str | None
    """The default as YAML; None if there is none."""


def keys(defaults: Values, options: Mapping[str, Values]) -> list[Key]:
    """All keys, in the order of the schema.

    `defaults`: the default configuration. `options`: the values that each option of a group sets, by names
    such as `replay=online`.
    """
    schema = Config.model_json_schema()
    return list(_Reading(schema["$defs"], options).section(schema["properties"], "", None, defaults))


class _Reading(NamedTuple):
    definitions: Schema
    options: Mapping[str, Values]

    def section(self, fields: Schema, prefix: str, option: str | None, defaults: Any) -> Iterator[Key]:
        for name, field in fields.items():
            key, default = f"{prefix}{name}", _member(defaults, name)
            parts = self._parts(field)
            if not parts:
                yield _key(key, field, option, default)
            elif len(parts) == 1:
                yield from self.section(parts[0]["properties"], f"{key}.", option, default)
            else:
                for part in parts:
                    yield from self._choice(key, part["properties"])

    def _choice(self, group: str, fields: Schema) -> Iterator[Key]:
        """The keys of one option of a group."""
        name = fields["name"].get("const")
        option = f"{group}={name}" if name else f"{group} of your own"
        shown = {key: field for key, field in fields.items() if key != "name" or not name}
        yield from self.section(shown, f"{group}.", option, self.options.get(option, {}))

    def _parts(self, field: Schema) -> list[Schema]:
        """The sections that a field may contain."""
        kinds = field.get("oneOf") or field.get("anyOf") or [field]
        definitions = [self.definitions[kind["$ref"].rpartition("/")[2]] for kind in kinds if "$ref" in kind]
        return [part for part in definitions if "properties" in part]


def _key(name: str, field: Schema, option: str | None, default: Any) -> Key:
    value = field.get("default", NO_DEFAULT) if default is NO_DEFAULT else default
    return Key(
        name,
        SHORT_NAMES.get(name),
        option,
        field.get("description", ""),
        _allowed(field),
        None if value is NO_DEFAULT else as_yaml(value),
    )


def _member(values: Any, name: str) -> Any:
    return values.get(name, NO_DEFAULT) if isinstance(values, Mapping) else NO_DEFAULT


def _allowed(field: Schema) -> str:
    """The allowed values of a field, in words."""
    kinds = field.get("anyOf") or [field]
    return ", ".join(dict.fromkeys(_kind(kind) for kind in kinds))


def _kind(kind: Schema) -> str:
    if "enum" in kind:
        return ", ".join(map(str, kind["enum"]))
    if "const" in kind:
        return str(kind["const"])
    match kind.get("type"):
        case "integer":
            return f"a whole number{_range(kind)}"
        case "number":
            return f"a number{_range(kind)}"
        case "boolean":
            return "true, false"
        case "string":
            return "text"
        case "null":
            return "null"
        case "array":
            return f"a list, each {_kind(kind['items'])}" if "type" in kind["items"] else "a list"
    return "names and their values"


RANGES = {
    "ge": " from {}",
    "minimum": " from {}",
    "gt": " above {}",
    "exclusiveMinimum": " above {}",
    "le": " to {}",
    "maximum": " to {}",
    "lt": " below {}",
    "exclusiveMaximum": " below {}",
}


def _range(kind: Schema) -> str:
    return "".join(words.format(kind[name]) for name, words in RANGES.items() if name in kind)


def as_yaml(value: Any) -> str:
    """`value` as people write it in YAML and on the command line."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_yaml, value))}]"
    return "{}" if value == {} else str(value)
