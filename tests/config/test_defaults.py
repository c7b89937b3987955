"""Defaults that are both in the schema and in conf/ are equal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from dqn_exp.config.paths import CONF
from dqn_exp.config.schema import Config
from tests.helpers import make_values


def sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """The section classes in a field's type, those of a union one by one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from sections(part)


def defaults_of_both() -> Iterator[tuple[str, Any, Any]]:
    """Key, the schema's default, and the value that conf/ gives it, wherever there are both.

    Without `env` and `returns`: conf/env/ tells of environments, and what they leave out is theirs to say. Of
    `tracking` the schema keeps the options of those trackers that are asked for.
    """
    composed = make_values()
    for name, field in Config.model_fields.items():
        if name in ("returns", "tracking"):
            continue
        if not field.is_required() and name in composed:
            yield name, field.default, composed[name]
        for section in sections(field.annotation) if name != "env" else ():
            kind = section.model_fields.get("name")
            option = get_args(kind.annotation)[0] if kind and get_args(kind.annotation) else None
            path = CONF / name / f"{option}.yaml"
            given = yaml.safe_load(path.read_text()) if path.exists() else composed[name]
            for key, own in section.model_fields.items():
                if not own.is_required() and key in given:
                    yield f"{name}.{key} ({option})", own.default, given[key]


BOTH = list(defaults_of_both())


@pytest.mark.parametrize(("key", "schema", "conf"), BOTH, ids=[key for key, *_ in BOTH])
def test_a_default_that_is_written_twice_is_the_same(key: str, schema: Any, conf: Any) -> None:
    plain = schema.model_dump() if isinstance(schema, BaseModel) else schema
    assert plain == (type(schema)(conf) if isinstance(schema, float) else conf)


def test_every_key_has_a_value_without_asking() -> None:
    """Each field of the schema that has no default of its own has one in conf/."""
    composed = make_values()
    required = {name for name, field in Config.model_fields.items() if field.is_required()}
    assert required <= composed.keys()
    assert len(BOTH) > 10
