"""The command line `python -m analysis`."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.__main__ import COMMANDS, main
from analysis.errors import SkippedWarning
from tests.analysis.synthetic import write_sweep


def test_help_lists_the_commands_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom analysis.__main__ import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('numpy', 'pandas', 'matplotlib', 'torch') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(name in run.stdout for name in COMMANDS)
    assert run.stdout.endswith("[]\n")


def test_table_prints_csv(buffers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", str(buffers)]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 9
    assert list(rows[0])[:6] == ["run", "buffer", "seed", "status", "converged", "episodes_to_threshold"]
    assert rows[0]["network.hidden"] == "128"


def test_report_prints_where_the_page_is(buffers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(buffers), "--output", str(buffers / "r")]) == 0
    assert capsys.readouterr().out.strip() == str(buffers / "r" / "index.html")


def test_null_on_an_axis_is_a_value_in_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_sweep(tmp_path / "s", {"agent.max_grad_norm": [None, 10]}, 1, lambda cell, seed: 5000)
    assert main(["table", str(tmp_path / "s")]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["agent.max_grad_norm"] for row in rows] == ["10", "none"]
    assert [row["cause"] for row in rows] == ["", ""]


def test_several_folders_are_one_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, lr in (("a", 0.1), ("b", 0.2)):
        write_sweep(tmp_path / name, {"lr": [lr]}, 1, lambda cell, seed: 5000)
    both = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert main(["table", *both]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["run"], row["lr"]) for row in rows] == [
        ("a/lr=0.1,seed=0", "0.1"),
        ("b/lr=0.2,seed=0", "0.2"),
    ]
    assert main(["report", *both]) == 2
    assert "a report on 2 folders needs --output" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["report", "table"])
@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_bad_paths_end_with_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, name: str
) -> None:
    (tmp_path / "empty").mkdir()
    assert main([command, str(tmp_path / name)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert name in captured.err
    assert list((tmp_path / "empty").iterdir()) == []


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["reprot", "x"])
    assert "reprot" in capsys.readouterr().err


def test_a_closed_pipe_is_no_error(buffers: Path) -> None:
    command = f"{sys.executable} -m analysis table '{buffers}' | head -n 1"
    run = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert run.stdout.startswith("run,buffer,seed")
    assert run.stderr == ""


NEWER = "was written by a newer version of dqn_exp: it has format 99; allowed: format"


def give_format(path: Path, number: int) -> Path:
    path.write_text(path.read_text().replace('"format": 1', f'"format": {number}'))
    return path


@pytest.mark.parametrize("command", ["report", "table", "plan", "robustness", "audit", "watch"])
def test_a_sweep_of_a_newer_format_is_one_error(
    command: str, buffers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = give_format(buffers / "sweep.json", 99)
    assert main([command, str(buffers)]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", f"error: {path} {NEWER} 1\n")


def test_a_trial_of_a_newer_format_is_named_by_the_analysis_of_the_others(
    buffers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = give_format(buffers / "buffer=500,seed=1" / "trial.json", 99)
    with pytest.warns(SkippedWarning) as caught:
        assert main(["table", str(buffers)]) == 0
    (warning,) = caught
    named = f"buffer=500,seed=1: its records cannot be read: {path} {NEWER}s 1, 2"
    assert str(warning.message) == named
    assert len(list(csv.DictReader(io.StringIO(capsys.readouterr().out)))) == 8
    assert main(["report", str(buffers), "--output", str(buffers / "r")]) == 0
    assert (buffers / "r" / "index.html").read_text().count(f"{NEWER}s 1, 2") == 1
