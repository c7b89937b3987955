"""Read configurations that earlier versions recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from dqn_exp.config.errors import ConfigError
from dqn_exp.config.identity import LATER
from dqn_exp.config.parsing import parse_config
from dqn_exp.config.schema import Config

FORMAT = 2
"""The format that this version writes. In format 1, `replay` and `target` had the options of all kinds."""

_OWN_OPTIONS = {
    "replay": {
        "uniform": ("capacity", "batch_size", "n_step", "replacement"),
        "prioritised": (
            *("capacity", "batch_size", "n_step"),
            *("alpha", "beta_start", "beta_end", "beta_updates", "priority_floor"),
        ),
        "online": ("n_step",),
    },
    "target": {"episodes": ("every",), "steps": ("every",), "soft": ("every", "tau"), "none": ()},
}


def _default(section: str, key: str) -> Any:
    part: Any = Config.model_fields[section].annotation
    default = part.model_fields[key].default
    return default.model_dump() if isinstance(default, BaseModel) else default


DONE_BEFORE = {section: {key: _default(section, key) for key in keys} for section, keys in LATER.items()}
"""The defaults of the keys of `LATER`, which are what earlier versions did, as plain nested values."""


def check_format(content: Mapping[str, Any], what: str, newest: int = FORMAT) -> int:
    """The format that `content` declares; raises ConfigError if it is none of 1 to `newest`."""
    version = content.get("format")
    if isinstance(version, int) and 1 <= version <= newest:
        return version
    is_newer = isinstance(version, int) and version > newest
    cause = "was written by a newer version of dqn_exp" if is_newer else "is damaged"
    allowed = ", ".join(map(str, range(1, newest + 1)))
    raise ConfigError(
        f"{what} {cause}: it has format {version!r}; allowed: format{'s' * (newest > 1)} {allowed}"
    )


def recorded_config(record: Mapping[str, Any], what: str = "trial.json") -> Config:
    """The configuration in `record`, the content of a `trial.json` of any format.

    Raises ConfigError if it cannot be read.
    """
    values = dict(record["config"])
    if check_format(record, what) == 1:
        values["agent"] = {"name": "dqn", **values["agent"]}
        for part, kinds in _OWN_OPTIONS.items():
            own = kinds[values[part]["name"]]
            values[part] = {k: v for k, v in values[part].items() if k in ("name", *own)}
    return parse_config(values)
