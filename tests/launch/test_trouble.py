"""A failing trial does not affect others: errors, exits and dead workers in one sweep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.program import TINY, Ended, records, run, tree

TROUBLES = ("none", "error", "exit", "kill", "kill_once")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trouble")


@pytest.fixture(scope="module")
def command(place: Path) -> list[str]:
    return [
        "-m",
        *TINY,
        "checkpoint.every_seconds=0",
        "imports=[tests.launch.fragile]",
        "env=gymnasium",
        "env.id=probe/Fragile-v0",
        f"+env.kwargs.healed={place / 'healed'}",
        f"+env.kwargs.trouble={','.join(TROUBLES)}",
        "seed=7",
        "hydra.launcher.n_jobs=2",
        "hydra.launcher.retries=1",
        "hydra.sweep.dir=sweep",
    ]


@pytest.fixture(scope="module")
def ended(place: Path, command: list[str]) -> Ended:
    return run(*command, cwd=place)


def trial(place: Path, trouble: str) -> Path:
    return place / "sweep" / f"+env.kwargs.trouble={trouble},seed=7"


def result(place: Path, trouble: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((trial(place, trouble) / "result.json").read_text())
    return content


def test_the_sweep_fails_but_its_good_trials_end(ended: Ended, place: Path) -> None:
    assert ended.code == 1
    assert "3 trials failed" in ended.out
    assert result(place, "none")["status"] == result(place, "kill_once")["status"] == "exhausted"


def test_an_error_is_logged_where_it_belongs_and_shown_at_once(ended: Ended, place: Path) -> None:
    failed = result(place, "error")
    assert (failed["status"], failed["cause"]) == ("failed", "RuntimeError: the pole broke")
    assert failed["env_steps"] > 200
    log = (trial(place, "error") / "trial.log").read_text()
    assert "Traceback" in log
    assert "RuntimeError: the pole broke" in log
    assert "Traceback" not in (trial(place, "none") / "trial.log").read_text()
    line = next(line for line in ended.out.splitlines() if "trouble=error" in line)
    assert "failed: RuntimeError: the pole broke" in line
    assert "Traceback" not in ended.said


def test_a_trial_that_exits_has_failed(ended: Ended, place: Path) -> None:
    failed = result(place, "exit")
    assert (failed["status"], failed["cause"]) == ("failed", "SystemExit: 3")


def test_a_dead_worker_is_tried_again_and_then_blamed(ended: Ended, place: Path) -> None:
    failed = result(place, "kill")
    assert failed["status"] == "failed"
    assert failed["cause"] == "its process died 2 times (SIGKILL(-9)): killed, or out of memory"
    assert ended.out.count("trouble=kill,seed=7: its process died (SIGKILL(-9)); trying again") == 1


def test_a_retry_gives_the_same_numbers(ended: Ended, place: Path) -> None:
    """The environment behaves alike in both; one process was killed after 300 of 400 steps."""
    assert "trouble=kill_once,seed=7: its process died (SIGKILL(-9)); trying again" in ended.out
    assert records(trial(place, "kill_once")) == records(trial(place, "none"))


def test_hydras_records_are_in_place(ended: Ended, place: Path) -> None:
    assert (place / "sweep" / "multirun.yaml").exists()
    assert {path.name for path in (trial(place, "none") / ".hydra").iterdir()} == {
        "config.yaml", "hydra.yaml", "overrides.yaml"
    }  # fmt: skip
    assert "- seed=7" in (trial(place, "none") / ".hydra" / "overrides.yaml").read_text()
    manifest = json.loads((place / "sweep" / "sweep.json").read_text())
    assert [entry["name"] for entry in manifest["trials"]] == [trial(place, t).name for t in TROUBLES]
    assert manifest["complete"] is False


def test_the_same_command_tries_the_failed_ones_again(ended: Ended, place: Path, command: list[str]) -> None:
    """Nothing breaks any more; what had finished is not touched, and the others end like it."""
    (place / "healed").touch()
    before = {trouble: records(trial(place, trouble)) for trouble in ("none", "kill_once")}
    written = (trial(place, "none") / "result.json").stat().st_mtime_ns
    again = run(*command, cwd=place)
    assert again.code == 0, again.said
    assert {trouble: records(trial(place, trouble)) for trouble in before} == before
    assert (trial(place, "none") / "result.json").stat().st_mtime_ns == written
    assert all(records(trial(place, trouble)) == before["none"] for trouble in TROUBLES)
    assert json.loads(tree(place / "sweep")["sweep.json"])["complete"] is True
