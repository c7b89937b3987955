"""The runner of a sweep's trials: which trials it starts, retries, continues and stops. Time is simulated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hydra.core.utils import JobStatus

from dqn_exp.workers.runner import TrialRunner
from dqn_exp.workers.worker import Job
from tests.launch.virtual import Engine, make_job

SECONDS = {"slow": 10.0, "quick": 1.0}


class Here:
    """A sweep of jobs such as "slow 1", which takes ten seconds, on two workers."""

    def __init__(self, sweep: Path, **deaths: int) -> None:
        self.engine = Engine(
            2,
            lambda name: SECONDS[name.split()[0]],
            {name.replace("_", " "): number for name, number in deaths.items()},
        )
        self.runner, self._sweep = TrialRunner(self.engine, self.engine.retries), sweep

    def jobs(self, *names: str) -> Iterator[Job]:
        return (make_job(name, self._sweep) for name in names)

    def run(self, *names: str, ahead: Sequence[str] = ()) -> list[JobStatus]:
        return [result.status for result in self.runner.run([*self.jobs(*names)], self.jobs(*ahead))]


def test_only_idle_workers_go_ahead_and_only_while_others_run(tmp_path: Path) -> None:
    here = Here(tmp_path)
    ahead = [f"quick {number}" for number in range(1, 30)]
    here.run("quick 0", "slow 0", "slow 1", ahead=ahead)
    assert here.engine.begun == ["quick 0", "slow 0", "slow 1", "quick 1"]
    assert here.engine.clock == 11


def test_what_was_begun_ahead_is_gone_on_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is told and counted in the run that asks for it."""
    here = Here(tmp_path)
    here.run("slow 0", ahead=["quick 0", "slow 1", "slow 2"])
    assert [job.name for job in here.engine.running] == ["slow 1"]
    assert "quick 0" not in capsys.readouterr().out
    assert here.run("quick 0", "slow 1", "quick 1") == [JobStatus.COMPLETED] * 3
    assert here.engine.begun == ["slow 0", "quick 0", "slow 1", "quick 1"]
    told = capsys.readouterr().out
    assert "3 trials in" in told
    assert "[1/3] quick 0: " in told
    assert here.engine.clock == 11


def test_what_the_next_run_does_not_ask_for_is_stopped(tmp_path: Path) -> None:
    here = Here(tmp_path)
    here.run("quick 0", ahead=["slow 0", "slow 1"])
    here.run("quick 1")
    assert here.engine.begun == ["quick 0", "slow 0", "quick 1"]
    assert (here.engine.clock, here.engine.running) == (2, [])


def test_at_the_end_nothing_is_left_running(tmp_path: Path) -> None:
    here = Here(tmp_path)
    with here.runner:
        here.run("quick 0", ahead=["slow 0"])
        assert here.engine.running
    assert not here.engine.running


def test_a_trial_that_loses_its_worker_is_tried_again_as_often_as_it_may(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ahead of its run, too."""
    here = Here(tmp_path, quick_0=1, quick_1=1, quick_2=2)
    assert here.run("quick 0", "slow 0", ahead=["quick 1", "quick 2"]) == [JobStatus.COMPLETED] * 2
    assert here.engine.begun == ["quick 0", "slow 0", "quick 0", *["quick 1"] * 2, *["quick 2"] * 2]
    told = capsys.readouterr().out
    assert told.count("its process died (SIGKILL(-9)); trying again") == 3
    assert here.run("quick 1", "quick 2") == [JobStatus.COMPLETED, JobStatus.FAILED]
    assert "its process died 2 times (SIGKILL(-9))" in capsys.readouterr().out


def test_nothing_asked_for_is_nothing_done(tmp_path: Path) -> None:
    here = Here(tmp_path)
    assert here.run(ahead=["quick 0"]) == []
    assert here.engine.begun == []
