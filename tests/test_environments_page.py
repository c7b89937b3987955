"""The commands of docs/environments.md run as written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from dqn_exp.config.paths import ROOT
from tests.program import run_here

COMMANDS = [
    command
    for block in re.findall(r"```bash\n(.*?)```", (ROOT / "docs" / "environments.md").read_text(), re.DOTALL)
    for command in block.replace("\\\n", " ").strip().splitlines()
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_trains(command: str, tmp_path: Path) -> None:
    python, option, program, *arguments = shlex.split(command)
    assert [python, option, program] == ["python", "-m", "dqn_exp"]
    brief = ("budget.env_steps=300", "evaluation.every_steps=null", "evaluation.final_episodes=1")
    given = [argument for argument in arguments if not argument.startswith("budget.")]
    ended = run_here(*given, *brief, "hydra.run.dir=trial", cwd=tmp_path)
    assert ended.code == 0, ended.said
    assert (tmp_path / "trial" / "network.safetensors").exists()


def test_there_are_some() -> None:
    assert len(COMMANDS) == 5
