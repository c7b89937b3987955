"""Facts about the project that appear in several files are the same in all."""

from __future__ import annotations

import tomllib

import yaml

import dqn_exp
from tests.program import ROOT


def test_version_licence_and_name_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    told = (citation["title"], citation["version"], citation["license"])
    assert told == (project["name"], project["version"], project["license"])
    assert project["version"] == dqn_exp.__version__
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text()
