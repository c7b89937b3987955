"""Reads `sweep.json` for analysis: an unknown format ends the command, damage does not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.errors import AnalysisError
from dqn_exp.config import ConfigError
from dqn_exp.runs import DamagedRecord, read_manifest


def manifest_of(sweep: Path) -> Mapping[str, Any]:
    """The content of `sweep.json` in the folder `sweep`; empty if there is none.

    Raises AnalysisError if this version does not know its format, DamagedRecord or OSError if it cannot be
    read.
    """
    try:
        return read_manifest(sweep)
    except ConfigError as error:
        raise AnalysisError(str(error)) from None


def manifest_if_whole(sweep: Path) -> Mapping[str, Any]:
    """`manifest_of`, but empty if the file is damaged, which is reported when the whole plan is read."""
    try:
        return manifest_of(sweep)
    except (OSError, DamagedRecord):
        return {}
