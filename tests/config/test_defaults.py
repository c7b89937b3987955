"""Defaults that are both in the schema and in conf/ are equal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from omegaconf import OmegaConf
from pydantic import BaseModel

from dqn_exp.config.paths import CONF
from dqn_exp.config.schema import Config
from tests.helpers import make_values

Both = tuple[str, Any, Any]
"""Key, the schema's default, and the value that conf/ gives it."""


def given() -> dict[str, Any]:
    """What conf/ gives the keys of a trial.

    Of `env`, only what conf/config.yaml gives to all environments; the rest, and `returns`, is what conf/env/
    tells of one environment. Without `tracking`: the schema keeps the options of those trackers alone that
    are asked for.
    """
    for_all = yaml.safe_load((CONF / "config.yaml").read_text())
    apart = {"env": for_all["env"]}
    return {key: value for key, value in make_values().items() if key not in ("returns", "tracking")} | apart


def sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """The section classes in a field's type, those of a union one by one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from sections(part)


def values_of(section: type[BaseModel], name: str, composed: Any) -> Any:
    """What conf/ gives the section at `name`: if it is an option of a group, the values of its file."""
    kind = section.model_fields.get("name")
    options = get_args(kind.annotation) if kind else ()
    files = [CONF.joinpath(*name.split("."), f"{option}.yaml") for option in options]
    return yaml.safe_load(files[0].read_text()) if files else composed


def defaults_of_both(section: type[BaseModel], values: Any, prefix: str = "") -> Iterator[Both]:
    """All keys below `section` that have a default and are among the `values` that conf/ gives it."""
    for key in section.model_fields.keys() & set(values or ()):
        field, name = section.model_fields[key], f"{prefix}{key}"
        if not field.is_required():
            yield f"{name} of {section.__name__}", field.default, values[key]
        for part in sections(field.annotation):
            yield from defaults_of_both(part, values_of(part, name, values[key]), f"{name}.")


BOTH = sorted(defaults_of_both(Config, given()))


@pytest.mark.parametrize(("key", "schema", "conf"), BOTH, ids=[key for key, *_ in BOTH])
def test_a_default_that_is_written_twice_is_the_same(key: str, schema: Any, conf: Any) -> None:
    plain = schema.model_dump() if isinstance(schema, BaseModel) else schema
    assert plain == (type(schema)(conf) if isinstance(schema, float) else conf)


@pytest.mark.parametrize(
    "key",
    [
        *("env.parallel of EnvConfig", "agent.loss of AgentConfig", "evaluation.env.kwargs of Evaluation"),
        *("network.head.atoms of C51Config", "network.head.kappa of QRConfig", "optimizer.eps of AdamConfig"),
    ],
)
def test_sections_groups_and_options_of_options_are_compared(key: str) -> None:
    assert any(found.startswith(key) for found, *_ in BOTH)


def test_every_key_has_a_value_without_asking() -> None:
    """Each field of the schema that has no default of its own has one in conf/."""
    required = {name for name, field in Config.model_fields.items() if field.is_required()}
    assert required <= make_values().keys()


def _leaves(values: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(values, dict) and values:
        for key, value in values.items():
            yield from _leaves(value, f"{above}.{key}".lstrip("."))
    else:
        yield above, values


OPEN = ("???", "MinAtar/", "ALE/")
"""How values begin that depend on others, or that the user must give."""
WHOLE = sorted(
    file for group in ("agent", "env", "experiment") for file in (CONF / group).glob("*.yaml")
    if file.read_text().startswith("# @package _global_")
)  # fmt: skip


@pytest.mark.parametrize("file", WHOLE, ids=lambda file: f"{file.parent.name}={file.stem}")
def test_what_a_file_sets_is_not_replaced_by_a_default(file: Path) -> None:
    composed = OmegaConf.create(make_values(**{file.parent.name: file.stem}))
    loaded = OmegaConf.to_container(OmegaConf.load(file))
    assert isinstance(loaded, dict)
    written = {str(key): value for key, value in loaded.items() if key != "defaults"}
    plain = {key: value for key, value in _leaves(written) if not str(value).startswith(OPEN)}
    assert {key: OmegaConf.select(composed, key) for key in plain} == plain
