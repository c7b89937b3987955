"""The example of docs/extending.md, pasted into an empty folder and run as written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dqn_exp.config.paths import ROOT
from dqn_exp.runs.metrics import read_metrics

PAGE = ROOT / "docs" / "extending.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the example's module alone, in which its command has been run."""
    code, command = re.findall(r"```(?:python|bash)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    folder = tmp_path_factory.mktemp("empty")
    (folder / "my_parts.py").write_text(code)
    run(folder, command.strip().replace("python -m", f"{sys.executable} -m") + " hydra.run.dir=trial")
    return folder


def run(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return done


def test_the_example_learns_with_all_its_parts(folder: Path) -> None:
    record = json.loads((folder / "trial" / "trial.json").read_text())
    assert record["config"]["env"]["wrappers"] == {"slippery": {"probability": 0.2}}
    assert record["config"]["env"]["max_episode_steps"] == 100
    assert record["config"]["convergence"]["threshold"] == 0.9
    assert record["learner"] == "torch"
    result = json.loads((folder / "trial" / "result.json").read_text())
    assert result["env_steps"] == 4000
    assert result["final_return"] > 0.8  # a random walk earns 0.5, one to the right 0.98
    assert list(result["measures"]) == ["slips"]
    columns, rows = read_metrics(folder / "trial" / "episodes.csv")
    steps, slips = (sum(float(r[columns.index(c)]) for r in rows) for c in ("length", "slips"))
    assert slips / steps == pytest.approx(0.2, abs=0.04)


def test_analysis_runs_the_module_only_when_told_to(folder: Path) -> None:
    command = f"{sys.executable} -m analysis policy trial --episodes 2 --points 11"
    with pytest.raises(AssertionError, match="add --imports"):
        run(folder, command)
    done = run(folder, f"{command} --imports")
    assert "No page" in done.stdout  # the network is none that a page can evaluate
    assert (folder / "trial" / "policy" / "difference.png").exists()


def test_the_page_stays_short() -> None:
    assert len(PAGE.read_text().splitlines()) < 100
