"""TensorBoard's own reader reads the files of a trial that was interrupted and continued."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from dqn_exp.runs.points import Points
from dqn_exp.statuses import FINISHED
from dqn_exp.trackers.tensorboard import TensorBoard
from tests.trackers.trial import follow_in_two_attempts, trial_of


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trial in two attempts, followed by TensorBoard."""
    place = tmp_path_factory.mktemp("sweep")
    follow_in_two_attempts(place / "buffer=17k,seed=3", {"tensorboard": {"folder": str(place / "board")}})
    return place


def read(folder: Path) -> EventAccumulator:
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    accumulator.Reload()
    return accumulator


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    board = read(folder)
    return {tag: [(e.step, e.value) for e in board.Scalars(tag)] for tag in board.Tags()["scalars"]}


def test_every_number_is_there_once(place: Path) -> None:
    told: dict[str, list[tuple[int, Any]]] = {}
    for step, numbers in Points(place / "buffer=17k,seed=3").up_to(10**9):
        for name, value in numbers.items():
            told.setdefault(name, []).append((step, pytest.approx(value, rel=1e-6)))
    found = scalars(place / "board" / place.name / "buffer=17k" / "seed=3")
    final = {name: found.pop(name) for name in list(found) if name.startswith("final/")}
    assert found == told
    assert len(found["charts/episodic_return"]) > 5
    assert sorted(final) == ["final/mean_reward", "final/std_reward"]
    assert all(len(points) == 1 for points in final.values())


def test_hyperparameters_and_the_end_are_told(place: Path) -> None:
    board = read(place / "board" / place.name / "buffer=17k" / "seed=3")
    told = {
        tag: HParamsPluginData.FromString(content)
        for tag, content in board.PluginTagToContent("hparams").items()
    }
    start = next(data.session_start_info for tag, data in told.items() if tag.endswith("start_info"))
    assert start.hparams["batch"].number_value == 16
    assert start.hparams["env.id"].string_value == "CartPole-v1"
    assert any(tag.endswith("end_info") for tag in told)


def test_another_trial_of_the_same_name_has_a_folder_of_its_own(tmp_path: Path) -> None:
    for letter in "ab":
        tracker = TensorBoard(str(tmp_path))
        assert tracker.start(trial_of(letter * 16, tmp_path)) is None
        tracker.log(5, {"charts/x": 1.0})
        tracker.finish("interrupted", {})
    assert TensorBoard(str(tmp_path)).start(trial_of("b" * 16, tmp_path)) == 5
    folder = tmp_path / "sweep" / "buffer=17k"
    assert sorted(path.name for path in folder.iterdir()) == ["seed=3", "seed=3~bbbbbb"]


def test_a_record_that_was_cut_off_hides_nothing(tmp_path: Path) -> None:
    """A process may die while it writes: what is behind lies in the next file."""
    tracker = TensorBoard(str(tmp_path))
    tracker.start(trial_of("a" * 16, tmp_path))
    for step in (1, 2):
        tracker.log(step, {"charts/x": float(step)})
    tracker._file.close()
    (path,) = tmp_path.rglob("*tfevents*")
    path.write_bytes(path.read_bytes()[:-3])
    again = TensorBoard(str(tmp_path))
    assert again.start(trial_of("a" * 16, tmp_path)) == 1
    again.log(2, {"charts/x": 2.0})
    again.finish("exhausted", {"final/mean_reward": 9.0})
    assert scalars(path.parent) == {"charts/x": [(1, 1.0), (2, 2.0)], "final/mean_reward": [(2, 9.0)]}


def test_a_trial_that_goes_on_with_a_larger_budget_ends_again(tmp_path: Path) -> None:
    for steps, final in (([1, 2], 9.0), ([], 9.0), ([3], 12.0)):
        tracker = TensorBoard(str(tmp_path))
        tracker.start(trial_of("a" * 16, tmp_path))
        for step in steps:
            tracker.log(step, {"charts/x": float(step)})
        tracker.finish("exhausted", {"final/mean_reward": final})
    found = scalars(tmp_path / "sweep" / "buffer=17k" / "seed=3")
    assert found["final/mean_reward"] == [(2, 9.0), (3, 12.0)]


@pytest.mark.parametrize("status", [*FINISHED, "interrupted", "failed"])
def test_the_page_of_hyperparameters_shows_which_trials_are_over(status: str, tmp_path: Path) -> None:
    tracker = TensorBoard(str(tmp_path))
    tracker.start(trial_of("a" * 16, tmp_path))
    tracker.finish(status, {})
    told = read(tmp_path / "sweep" / "buffer=17k" / "seed=3").PluginTagToContent("hparams")
    assert any(tag.endswith("end_info") for tag in told) == (status in FINISHED)
