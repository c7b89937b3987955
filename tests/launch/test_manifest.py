"""The manifest `sweep.json` that a sweep writes about itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.records import read_sweep
from analysis.report.overview import overview
from dqn_exp.config import ConfigError
from dqn_exp.launch.manifest import complete, interrupted_sweep, read_progress
from tests.program import TINY, run_here, tree


def manifest(cwd: Path, *arguments: str) -> dict[str, Any]:
    ended = run_here("-m", *TINY, "seed=0", "hydra.sweep.dir=s", *arguments, cwd=cwd)
    assert ended.code == 0, ended.said
    content: dict[str, Any] = json.loads((cwd / "s" / "sweep.json").read_text())
    return content


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """`run_here` writes beside its directory."""
    (tmp_path / "cwd").mkdir()
    return tmp_path / "cwd"


def test_the_defaults_are_the_configuration_without_what_is_swept(place: Path) -> None:
    written = manifest(place, "lr=2e-3,3e-3", "gamma=0.5")
    assert written["defaults"]["lr"] not in (2e-3, 3e-3)
    assert written["defaults"]["optimizer"]["lr"] == written["defaults"]["lr"]
    assert written["defaults"]["gamma"] == 0.5
    assert written["defaults"]["convergence"]["threshold"] is not None


def test_there_are_none_where_the_rest_is_no_configuration(place: Path) -> None:
    names = "CartPole-v1,Acrobot-v1"
    assert manifest(place, "env=gymnasium", f"env.id={names}", "convergence.threshold=1")["defaults"] is None


def test_a_sweep_is_complete_only_with_its_report(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted at its very end, the same command continues and does not begin again."""

    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    command = ("-m", *TINY, "seed=0")
    with monkeypatch.context() as patch:
        patch.setattr("dqn_exp.cli.summary.Summary.tell", interrupt)
        assert run_here(*command, cwd=place).code == 130
    assert run_here(*command, cwd=place).code == 0
    (written,) = place.glob("outputs/sweeps/*/sweep.json")
    assert json.loads(written.read_text())["complete"]


def test_seeds_that_are_added_to_a_finished_sweep_are_noted(place: Path) -> None:
    """Other values are none, and once noted it stays."""
    assert not manifest(place, "lr=2e-3")["extended"]
    assert not manifest(place, "lr=2e-3")["extended"]
    assert not manifest(place, "lr=3e-3,4e-3")["extended"]
    assert manifest(place, "lr=3e-3,4e-3", "seed=0,1")["extended"]
    assert manifest(place, "lr=3e-3,4e-3", "seed=0,1")["extended"]
    assert "Seeds were added" in " ".join(overview(read_sweep(place / "s")))


@pytest.mark.parametrize(
    ("beside_axes", "at_top"), [(", zip: [buffer, gamma]", ""), ("", "zip: [buffer, gamma]")]
)
def test_axes_that_go_together_are_recorded_and_one_axis(beside_axes: str, at_top: str, place: Path) -> None:
    """From a sweeps file, where `zip` may stand in either place."""
    params = f"{{buffer: '500,500,1k', gamma: '0.5,0.6,0.5'{beside_axes}}}"
    (place / "sweeps").mkdir()
    (place / "sweeps" / "mine.yaml").write_text(
        f"# @package _global_\nhydra: {{sweeper: {{params: {params}}}}}\n{at_top}\n"
    )
    written = manifest(place, "sweeps=mine")
    assert written["zip"] == [["buffer", "gamma"]]
    assert [trial["name"] for trial in written["trials"]] == [
        f"buffer={buffer},gamma={gamma},seed=0" for buffer, gamma in (("500", 0.5), ("500", 0.6), ("1k", 0.5))
    ]
    (axis,) = read_sweep(place / "s").axes
    assert (axis.name, axis.labels()) == ("buffer, gamma", ["500, 0.5", "500, 0.6", "1k, 0.5"])


def test_a_sweep_of_a_newer_format_is_refused_and_kept(place: Path) -> None:
    (place / "s").mkdir()
    (place / "s" / "sweep.json").write_text(json.dumps({"format": 99, "trials": [], "complete": False}))
    before = tree(place)
    ended = run_here("-m", *TINY, "seed=0", "hydra.sweep.dir=s", cwd=place)
    (place / "s" / "lock").unlink()
    assert ended.code == 2
    message = "sweep.json was written by a newer version of dqn_exp: it has format 99; allowed: format 1"
    assert message in ended.err
    assert "Traceback" not in ended.said
    assert tree(place) == before


def test_an_interrupted_sweep_of_a_newer_format_is_passed_over(tmp_path: Path) -> None:
    for name, found in (("one", 1), ("two", 99)):
        (tmp_path / name).mkdir()
        content = {"format": found, "fingerprint": "abc", "complete": False}
        (tmp_path / name / "sweep.json").write_text(json.dumps(content))
    assert interrupted_sweep(tmp_path, "abc") == tmp_path / "one"
    (tmp_path / "one" / "sweep.json").unlink()
    assert interrupted_sweep(tmp_path, "abc") is None


@pytest.mark.parametrize("read", [complete, read_progress])
def test_whoever_reads_a_sweep_refuses_a_newer_format(read: Callable[[Path], Any], tmp_path: Path) -> None:
    path = tmp_path / "sweep.json"
    path.write_text('{"format": 99, "complete": false}')
    with pytest.raises(ConfigError, match="it has format 99; allowed: format 1"):
        read(tmp_path)
    assert path.read_text() == '{"format": 99, "complete": false}'
