"""On an unsupported platform, the program says so before anything else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import ROOT

ON_WINDOWS = """
import runpy, sys
sys.platform = "win32"
sys.modules |= dict.fromkeys(("fcntl", "hydra", "numpy"))  # whose import fails now
sys.argv[1:] = {arguments}
runpy.run_module({module!r}, run_name="__main__")
"""


@pytest.mark.parametrize(
    ("module", "arguments"), [("dqn_exp", []), ("dqn_exp", ["-m"]), ("analysis", ["table"])]
)
def test_windows_is_refused_in_one_line(module: str, arguments: list[str], tmp_path: Path) -> None:
    code = ON_WINDOWS.format(module=module, arguments=arguments)
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode != 0
    assert ended.stderr.count("\n") == 1
    assert "Linux and macOS" in ended.stderr
    assert not list(tmp_path.iterdir())
