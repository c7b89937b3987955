"""`sweep.json`: the record of a sweep or a study as a whole; `launch` and `study` write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dqn_exp.config import check_format
from dqn_exp.runs.files import read_object

MANIFEST = "sweep.json"
MANIFEST_FORMAT = 1
"""The format that this version writes, and the newest that it reads."""


def read_manifest(directory: Path) -> dict[str, Any]:
    """The record of the sweep or study in `directory`; empty if there is none.

    A record without a format is read as it is. Raises DamagedRecord if it is damaged, and ConfigError if this
    version does not know its format.
    """
    path = directory / MANIFEST
    content = read_object(path) if path.exists() else {}
    if "format" in content:
        check_format(content, str(path), MANIFEST_FORMAT)
    return content
