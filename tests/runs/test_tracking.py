"""Trackers receive every step of a trial once, and cannot harm the trial."""

from __future__ import annotations

import json
import logging
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dqn_exp.config import Config
from dqn_exp.launch.reuse import Reuse
from dqn_exp.registry import trackers
from dqn_exp.runs import tracking
from dqn_exp.runs.points import Points
from dqn_exp.runs.record import run_trial
from dqn_exp.runs.tracking import identify, tracker_failures
from dqn_exp.trackers import Scalars, TrackedTrial
from tests.helpers import make_config
from tests.program import records
from tests.trackers.trial import BRIEF, cut_short


@trackers.register("memory")
class Memory:
    """Remembers what it is told, beyond the trial; `trouble` is where it raises."""

    told: ClassVar[list[Any]] = []
    trials: ClassVar[list[TrackedTrial]] = []
    released: ClassVar[threading.Event] = threading.Event()

    def __init__(self, trouble: str = "") -> None:
        self.trouble = trouble

    def start(self, trial: TrackedTrial) -> int | None:
        self._stumble("start")
        self.trials.append(trial)
        return max((told[0] for told in self.told if isinstance(told[0], int)), default=None)

    def log(self, step: int, scalars: Scalars) -> None:
        self._stumble("log")
        self.told.append((step, dict(scalars)))

    def finish(self, status: str, scalars: Scalars) -> None:
        self._stumble("finish")
        self.told.append((status, dict(scalars)))

    def _stumble(self, where: str) -> None:
        if self.trouble == where:
            raise ConnectionError("nobody answers")
        if self.trouble == f"exit in {where}":
            raise SystemExit(3)
        if self.trouble == f"hang in {where}":
            self.released.wait()
            raise InterruptedError


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    monkeypatch.setattr(tracking, "LOOK_SECONDS", 0.01)
    Memory.told.clear()
    Memory.trials.clear()
    Memory.released.clear()
    yield Memory.told
    Memory.released.set()


def tracked(**more: Any) -> Config:
    return make_config(**BRIEF, track=["memory"], **more)


def in_files(directory: Path) -> list[Any]:
    return list(Points(directory).up_to(10**9))


def test_all_that_is_recorded_is_told_once_and_in_order(told: list[Any], tmp_path: Path) -> None:
    result = run_trial(tracked(), tmp_path / "buffer=17k,seed=3", {})
    (trial,) = Memory.trials
    assert told[:-1] == in_files(tmp_path / "buffer=17k,seed=3")
    assert len(told) > 20
    status, final = told[-1]
    assert (status, final["final/mean_reward"]) == ("exhausted", result.final_return)
    assert (trial.sweep, trial.configuration) == (tmp_path.name, "buffer=17k")
    assert trial.hyperparameters["replay.capacity"] == tracked().buffer
    assert trial.hyperparameters["network.hidden"] == str(tracked().network.hidden)


def test_a_continued_trial_tells_no_step_twice_and_leaves_none_out(told: list[Any], tmp_path: Path) -> None:
    cut_short(tracked(), tmp_path)
    assert told[-1] == ("interrupted", {})
    del told[-1]
    assert 0 < len(told) < 40
    run_trial(tracked(), tmp_path, {})
    assert told[:-1] == in_files(tmp_path)
    (identity,) = {trial.id for trial in Memory.trials}
    assert re.fullmatch("[0-9a-f]{16}", identity)


@pytest.fixture(scope="module")
def untracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same trial without trackers."""
    directory = tmp_path_factory.mktemp("untracked")
    run_trial(make_config(**BRIEF), directory, {})
    return directory


@pytest.mark.parametrize(
    ("trouble", "told_why"),
    [
        ("start", "ConnectionError: nobody answers"),
        ("log", "ConnectionError: nobody answers"),
        ("finish", "ConnectionError: nobody answers"),
        ("exit in log", "SystemExit: 3"),
        ("hang in log", "it had not received all data when the trial stopped waiting for it"),
    ],
)
def test_whatever_a_tracker_does_costs_the_trial_nothing(
    trouble: str,
    told_why: str,
    untracked: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tracking, "PATIENCE", {True: 0.2, False: 0.2})
    with caplog.at_level(logging.WARNING):
        run_trial(tracked(tracking={"memory": {"trouble": trouble}}), tmp_path, {})
    assert records(tmp_path) == records(untracked)
    assert tracker_failures(tmp_path) == {"memory": told_why}
    (warning,) = [r.message for r in caplog.records if "tracker memory" in r.message]
    assert told_why in warning


def test_a_finished_trial_is_told_when_a_tracker_is_asked_for_later(
    told: list[Any], untracked: Path, tmp_path: Path
) -> None:
    shutil.copytree(untracked, tmp_path, dirs_exist_ok=True)
    for _ in range(2):  # the second time it knows
        run_trial(tracked(), tmp_path, {})
        assert told[:-1] == in_files(tmp_path)
        assert told[-1][0] == "exhausted"


def test_one_that_failed_is_told_again(told: list[Any], tmp_path: Path) -> None:
    run_trial(tracked(tracking={"memory": {"trouble": "log"}}), tmp_path, {})
    assert told == []
    assert tracker_failures(tmp_path) == {"memory": "ConnectionError: nobody answers"}
    run_trial(tracked(), tmp_path, {})
    assert told[:-1] == in_files(tmp_path)
    assert tracker_failures(tmp_path) == {}


def test_a_trial_that_is_taken_is_told(told: list[Any], tmp_path: Path) -> None:
    from dqn_exp.runs.provenance import environment

    run_trial(make_config(**BRIEF), tmp_path / "outputs" / "one", environment())
    origin = Reuse([tmp_path / "outputs"]).take(tracked(), tmp_path / "two")
    assert origin == tmp_path / "outputs" / "one"
    assert told[:-1] == in_files(tmp_path / "two")
    assert Memory.trials[0].directory == tmp_path / "two"


def test_tracking_is_no_part_of_what_a_trial_is() -> None:
    plain, other = make_config(**BRIEF), tracked(tracking={"memory": {"trouble": "log"}})
    assert plain.hash() == other.hash()
    assert plain.track == []
    assert plain.tracking == {}  # of trackers that nobody asked for nothing is said
    assert make_config(**BRIEF, track="memory").track == ["memory"]


@pytest.mark.parametrize(
    ("place", "sweep", "configuration"),
    [
        ("sweep/seed=1", "sweep", "default"),
        ("sweep/lr=0.1,buffer=2,seed=1", "sweep", "lr=0.1,buffer=2"),
        ("sweep/proposal/seed=1", "sweep", "proposal"),
        ("runs/2026-11-30_12-00-00", "runs", "2026-11-30_12-00-00"),
    ],
)
def test_names_are_those_of_the_folders(place: str, sweep: str, configuration: str, tmp_path: Path) -> None:
    directory = tmp_path / place
    directory.mkdir(parents=True)
    (tmp_path / "sweep").mkdir(exist_ok=True)
    (tmp_path / "sweep" / "multirun.yaml").touch()
    record = {"format": 2, "attempts": [{"started": "now"}], "seed": 1, "config": {"lr": 0.1}}
    (directory / "trial.json").write_text(json.dumps(record))
    trial = identify(directory)
    assert (trial.sweep, trial.configuration, trial.seed) == (sweep, configuration, 1)


def test_a_name_that_was_cut_short_is_the_same_for_all_seeds(tmp_path: Path) -> None:
    names = set()
    for seed in (1, 2):
        directory = tmp_path / f"long~{seed}abc"
        directory.mkdir()
        config = {"lr": 0.1, "seed": seed}
        record = {"format": 2, "attempts": [{"started": "now"}], "seed": seed, "config": config}
        (directory / "trial.json").write_text(json.dumps(record))
        names.add(identify(directory).configuration)
    (name,) = names
    assert name.startswith("long~")
