"""A trial that is taken from another sweep equals a trained one, and its use never changes the original."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dqn_exp.config.schema import Config
from dqn_exp.registry import observers
from dqn_exp.runs.files import BEST, FINAL, NETWORK
from dqn_exp.runs.lock import Locked, directory_lock
from dqn_exp.runs.observers import Observer
from dqn_exp.runs.provenance import environment
from dqn_exp.runs.record import record_trial, run_trial
from dqn_exp.runs.result import Result, is_over, read_result
from dqn_exp.runs.taking import Unfit, check_fit, take
from dqn_exp.training.run import Event, Run
from tests.program import records, tree
from tests.runs.test_lengthened import KEPT
from tests.runs.test_record import short


def train(config: Config, directory: Path) -> Result:
    return run_trial(config, directory, environment())


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trial that kept all there is; tests that change it take a copy."""
    place = tmp_path_factory.mktemp("origin") / "trial"
    train(short(**KEPT, checkpoint__keep_best="evaluation", budget__env_steps=300), place)
    return place


CONFIG = short(budget__env_steps=300)
WHOLE = short(**KEPT, checkpoint__keep_best="evaluation", budget__env_steps=300)


def test_it_is_the_trial_that_would_have_been_trained(origin: Path, tmp_path: Path) -> None:
    """Byte for byte what it has learned and recorded, and file for file what it would have left."""
    config = short(budget__env_steps=300, report=False)
    before = tree(origin)
    take(origin, tmp_path / "taken", config)
    trained = train(config, tmp_path / "trained")
    assert records(tmp_path / "taken") == records(tmp_path / "trained")
    assert set(tree(tmp_path / "taken")) | {"lock"} == set(tree(tmp_path / "trained"))
    taken, times = read_result(tmp_path / "taken"), ("wall_seconds", "env_steps_per_second", "ended")
    assert {k: v for k, v in vars(taken).items() if k not in times} == {
        k: v for k, v in vars(trained).items() if k not in times
    }
    assert is_over(config, tmp_path / "taken")
    assert list(record_trial(config, tmp_path / "taken", {})) == []
    assert tree(origin) == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_its_description_says_where_it_was_trained_and_what_is_asked(origin: Path, tmp_path: Path) -> None:
    config = short(budget__env_steps=300, report=False, returns__random=7)
    take(origin, tmp_path / "taken", config)
    record, first = (json.loads((d / "trial.json").read_text()) for d in (tmp_path / "taken", origin))
    assert record["origin"]["directory"] == str(origin)
    assert record["origin"]["taken"] >= first["started"]
    assert record["config"] == config.record() != first["config"]
    assert record["attempts"] == first["attempts"]
    assert record["config_hash"] == first["config_hash"] == config.hash()


def test_only_what_is_replaced_as_a_whole_is_shared(origin: Path, tmp_path: Path) -> None:
    take(origin, tmp_path / "taken", WHOLE)
    shared = {p.name for p in (tmp_path / "taken").iterdir() if p.samefile(origin / p.name)}
    assert shared == {NETWORK, BEST, FINAL}


def test_where_there_are_no_links_everything_is_copied(
    origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr("os.link", refuse)
    take(origin, tmp_path / "taken", WHOLE)
    assert records(tmp_path / "taken") == records(origin)
    assert not any(p.samefile(origin / p.name) for p in (tmp_path / "taken").iterdir())


def test_all_of_it_reaches_the_disk_before_its_name_does(
    origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut could leave empty files under the name of a finished trial."""
    told: list[str] = []
    fsync, rename = os.fsync, os.rename

    def watched_fsync(descriptor: int) -> None:
        told.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        fsync(descriptor)

    def watched_rename(before: Path, after: Path) -> None:
        told.append("the name")
        rename(before, after)

    monkeypatch.setattr("os.fsync", watched_fsync)
    monkeypatch.setattr("os.rename", watched_rename)
    take(origin, tmp_path / "taken", CONFIG)
    written, after = told[: told.index("the name")], told[told.index("the name") + 1 :]
    assert {"result.json", "episodes.csv", "evaluations.csv", "losses.csv", ".taken.tmp"} < set(written)
    assert after == [tmp_path.name]


@pytest.mark.parametrize("which", ["the copy", "the origin"])
def test_one_goes_on_and_the_other_stays_as_it_was(which: str, origin: Path, tmp_path: Path) -> None:
    """To a larger budget, bit for bit as if it had had it from the beginning."""
    first, copy = tmp_path / "first", tmp_path / "copy"
    shutil.copytree(origin, first)
    take(first, copy, WHOLE)
    moved, other = (copy, first) if which == "the copy" else (first, copy)
    before = tree(other)
    longer = short(**KEPT, checkpoint__keep_best="evaluation")
    train(longer, moved)
    assert tree(other) == before
    train(longer, tmp_path / "whole")
    assert records(moved) == records(tmp_path / "whole")
    record = json.loads((moved / "trial.json").read_text())
    assert ("origin" in record) == (which == "the copy")
    assert len(record["attempts"]) == 2
    check_fit(moved, longer)


def test_one_that_begins_again_was_not_taken(origin: Path, tmp_path: Path) -> None:
    take(origin, tmp_path / "taken", CONFIG)
    (tmp_path / "taken" / "result.json").unlink()
    train(CONFIG, tmp_path / "taken")
    assert "origin" not in json.loads((tmp_path / "taken" / "trial.json").read_text())
    assert records(tmp_path / "taken") == records(origin)


class LeavesFiles(Observer):
    def __init__(self, run: Run, directory: Path) -> None:
        self._path = directory / "own" / "events.txt"
        self._path.parent.mkdir(exist_ok=True)

    def on(self, event: Event, run: Run) -> None:
        with open(self._path, "a") as file:
            file.write(f"{type(event).__name__}\n")


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(observers._registered, "leaves_files", LeavesFiles)


LACKING: dict[str, tuple[dict[str, Any], str]] = {
    "final": ({"checkpoint__keep_final": True}, "without checkpoint.keep_final=true"),
    "best": ({"checkpoint__keep_best": "episode"}, "without checkpoint.keep_best=episode"),
    "films": ({"video__every_episodes": 2}, "without video.every_episodes=2"),
    "losses": ({"metrics__loss_every": 7}, "without metrics.loss_every=7"),
    "observers": ({"observers": {"leaves_files": {}}}, "without observers=leaves_files"),
}


@pytest.mark.parametrize("kind", LACKING)
def test_what_is_asked_for_and_not_there_is_told(kind: str, origin: Path, tmp_path: Path) -> None:
    asked, told = LACKING[kind]
    (tmp_path / "first").mkdir()
    for name in tree(origin):
        if name != FINAL:
            shutil.copyfile(origin / name, tmp_path / "first" / name)
    with pytest.raises(Unfit) as refused:
        take(tmp_path / "first", tmp_path / "taken", short(budget__env_steps=300, **asked))
    assert str(refused.value) == told
    assert [path.name for path in tmp_path.iterdir()] == ["first"]


def test_what_own_observers_left_is_copied(tmp_path: Path) -> None:
    config = short(budget__env_steps=300, observers={"leaves_files": {}})
    train(config, tmp_path / "first")
    take(tmp_path / "first", tmp_path / "taken", config)
    left = Path("own", "events.txt")
    assert (tmp_path / "taken" / left).read_text() == (tmp_path / "first" / left).read_text() != ""
    assert not (tmp_path / "taken" / left).samefile(tmp_path / "first" / left)
    with pytest.raises(Unfit, match="without observers=none"):
        check_fit(tmp_path / "first", CONFIG)


def test_films_are_shared(origin: Path, tmp_path: Path) -> None:
    """As many as there were to be."""
    first, config = tmp_path / "first", short(budget__env_steps=300, video__every_episodes=5)
    shutil.copytree(origin, first)
    record = json.loads((first / "trial.json").read_text())
    record["config"] = config.record()
    (first / "trial.json").write_text(json.dumps(record))
    (first / "videos").mkdir()
    result = read_result(first)
    assert result is not None
    names = [f"episode-{number:06d}.mp4" for number in range(5, result.episodes + 1, 5)]
    for name in names:
        (first / "videos" / name).write_bytes(b"film")
    take(first, tmp_path / "taken", config)
    assert sorted(path.name for path in (tmp_path / "taken" / "videos").iterdir()) == names
    assert (tmp_path / "taken" / "videos" / names[0]).samefile(first / "videos" / names[0])
    (first / "videos" / names[-1]).unlink()
    with pytest.raises(Unfit, match=r"without video\.every_episodes=5"):
        check_fit(first, config)


def cut(name: str, end: int = -20) -> Callable[[Path], object]:
    return lambda place: (place / name).write_bytes((place / name).read_bytes()[:end])


def lose_a_line(place: Path) -> None:
    lines = (place / "episodes.csv").read_bytes().splitlines(keepends=True)
    (place / "episodes.csv").write_bytes(b"".join(lines[:-1]))


def flip_a_digit(place: Path) -> None:
    content = (place / "losses.csv").read_bytes()
    (place / "losses.csv").write_bytes(content.replace(b"1", b"2", 1))


def attempts(value: object) -> Callable[[Path], object]:
    def damage(place: Path) -> None:
        record = json.loads((place / "trial.json").read_text())
        (place / "trial.json").write_text(json.dumps({**record, "attempts": value}))

    return damage


DAMAGED: dict[str, tuple[Callable[[Path], object], str]] = {
    "torn": (cut("evaluations.csv"), "evaluations.csv: the last line was cut off"),
    "lines are missing": (lose_a_line, "episodes.csv has "),
    "a digit": (flip_a_digit, "losses.csv: line 2 does not match its checksum"),
    "network": (cut(NETWORK), f"{NETWORK} is damaged"),
    "no network": (lambda place: (place / NETWORK).unlink(), NETWORK),
    "no metrics": (lambda place: (place / "losses.csv").unlink(), "losses.csv"),
    "result": (cut("result.json"), "result.json is damaged"),
    "description": (cut("trial.json"), "trial.json is damaged"),
    "no attempts": (attempts([]), r"attempts=\[\]: allowed"),
    "attempts that are a word": (attempts("two"), "attempts='two': allowed"),
    "attempts of nothing": (attempts([None]), r"attempts=\[None\]: allowed"),
    "attempts with odd versions": (attempts([{"versions": [1]}]), "AttributeError"),
    "no keys": (lambda place: (place / "trial.json").write_text('{"format": 2}'), "KeyError"),
    "no format": (lambda place: (place / "trial.json").write_text("{}"), "it has format None; allowed"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_trial_is_not_taken(kind: str, origin: Path, tmp_path: Path) -> None:
    damage, told = DAMAGED[kind]
    shutil.copytree(origin, tmp_path / "first")
    damage(tmp_path / "first")
    with pytest.raises(Unfit, match=told):
        take(tmp_path / "first", tmp_path / "taken", CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["first"]


def test_a_trial_that_somebody_is_at_work_on_is_not_taken(origin: Path, tmp_path: Path) -> None:
    shutil.copytree(origin, tmp_path / "first")
    with directory_lock(tmp_path / "first"), pytest.raises(Locked):
        take(tmp_path / "first", tmp_path / "taken", CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["first"]


def test_nothing_is_left_of_a_copy_that_failed(
    origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("dqn_exp.runs.taking.write_json", fail)
        with pytest.raises(OSError, match="the disk is full"):
            take(origin, tmp_path / "taken", CONFIG)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "taken").mkdir()
    (tmp_path / ".taken.tmp" / "own").mkdir(parents=True)  # of a process that was killed
    take(origin, tmp_path / "taken", CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    with pytest.raises(OSError, match="not empty"):
        take(origin, tmp_path / "taken", CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    assert os.listdir(tmp_path / "taken") != []
