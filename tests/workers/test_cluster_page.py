"""What docs/cluster.md shows for Kubernetes: its programs exist, and they know the options."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.program import TINY, run_here

PAGE = Path(__file__).parents[2] / "docs" / "cluster.md"


@pytest.fixture(scope="module")
def manifest() -> dict[str, dict[str, Any]]:
    """The specification of each object of the manifest, by its kind."""
    (text,) = re.findall(r"```yaml\n(# dqn-exp\.yaml.*?)```", PAGE.read_text(), re.DOTALL)
    return {shown["kind"]: shown["spec"] for shown in yaml.safe_load_all(text)}


@pytest.mark.parametrize("part", ["scheduler", "worker"])
def test_dask_has_the_programs_and_options(part: str, manifest: dict[str, dict[str, Any]]) -> None:
    (container,) = manifest["DaskCluster"][part]["spec"]["containers"]
    program, subcommand, *options = container["args"]
    assert entry_points(group="console_scripts", name=program)
    command = [sys.executable, "-m", program, subcommand, "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert subcommand == part
    assert all(option in told for option in options if option.startswith("--"))


def test_the_command_is_understood(manifest: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    (container,) = manifest["Job"]["template"]["spec"]["containers"]
    assert container["command"][:3] == ["python", "-m", "dqn_exp"]
    ended = run_here(*container["command"][3:], *TINY, "dry_run=true", cwd=tmp_path)
    assert ended.code == 0, ended.said
    assert "30 trials in outputs/lr: 30 to run" in ended.out
