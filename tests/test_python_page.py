"""The examples of docs/python.md run as one script in an empty folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import ROOT

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "python.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the examples have been run; what they printed is in `out`."""
    folder = tmp_path_factory.mktemp("page")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (folder / "page.py").write_text("\n".join(blocks))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "page.py"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stderr
    (folder / "out").write_text(done.stdout)
    return folder


def test_the_trial_is_there(folder: Path) -> None:
    record = json.loads((folder / "outputs" / "my trial" / "trial.json").read_text())
    assert (record["seed"], record["config"]["buffer"]) == (3, 17_000)
    assert re.search(r"^2000 steps: mean return \d+$", (folder / "out").read_text(), re.MULTILINE)


def test_the_sweep_and_its_report_are_there(folder: Path) -> None:
    sweep = folder / "outputs" / "buffers"
    manifest = json.loads((sweep / "sweep.json").read_text())
    assert (len(manifest["trials"]), manifest["complete"]) == (4, True)
    assert (sweep / "report" / "index.html").exists()
    said = (folder / "out").read_text()
    assert "\nFastest in these trials" in said or "\nMean final return was highest with" in said
    assert "\noutputs/buffers/report/index.html\n5\n" in said


def test_the_study_has_a_best_and_a_report(folder: Path) -> None:
    assert (folder / "outputs" / "study" / "report" / "index.html").exists()
    assert re.search(
        r"^\{'lr': [\d.e-]+, 'batch': (32|64|128)\}$", (folder / "out").read_text(), re.MULTILINE
    )


def test_what_is_refused_is_told_as_the_page_says(folder: Path) -> None:
    told = re.search(r"print\(error\)  # (.*) \.\.\.", PAGE.read_text())
    assert told
    assert told.group(1) in (folder / "out").read_text()
