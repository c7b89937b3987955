"""Files sent between machines of a cluster: complete at any moment, and only the intended files."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dqn_exp.runs import directory_lock
from dqn_exp.workers.clusters import files
from dqn_exp.workers.clusters.cluster import Refused
from dqn_exp.workers.clusters.files import (
    SharedFiles,
    packed,
    packed_modules,
    scratch,
    sent_files,
    unpack,
    unpack_results,
)


@dataclass(frozen=True)
class Trial:
    """A task that leaves files."""

    directory: Path
    imports: tuple[str, ...] = ()
    needs_gpu: bool = False

    @property
    def directories(self) -> list[Path]:
        return [self.directory / "seed=1"]

    def moved(self, folder: Path) -> Trial:
        return replace(self, directory=folder / self.directory.name)


@pytest.fixture
def trial(tmp_path: Path) -> Path:
    """The directory of a trial that runs."""
    directory = tmp_path / "trial"
    (directory / ".hydra").mkdir(parents=True)
    for name in ("checkpoint.safetensors", "episodes.csv", "result.json", ".hydra/config.yaml", "lock"):
        (directory / name).write_text(name)
    (directory / ".result.json.12.tmp").touch()
    return directory


def names(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return opened.getnames()


def test_what_counts_is_read_first_and_written_last(
    trial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Metrics are then never older than the checkpoint beside them, nor a result older than either."""
    assert names(packed(trial))[:2] == ["result.json", "checkpoint.safetensors"]
    written: list[str] = []
    monkeypatch.setattr(files, "write_atomic", lambda path, _: written.append(path.name))
    unpack(packed(trial), tmp_path / "copy")
    assert written[-2:] == ["checkpoint.safetensors", "result.json"]


def test_locks_and_unfinished_files_stay_behind(trial: Path, tmp_path: Path) -> None:
    unpack(packed(trial), tmp_path / "copy")
    found = {path.relative_to(tmp_path / "copy") for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    expected = ("checkpoint.safetensors", "episodes.csv", "result.json", ".hydra/config.yaml")
    assert found == {Path(name) for name in expected}
    assert (tmp_path / "copy" / "episodes.csv").read_text() == "episodes.csv"


def test_a_trial_that_is_over_takes_its_checkpoint_with_it(trial: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    unpack(packed(trial), copy)
    (trial / "checkpoint.safetensors").unlink()
    unpack(packed(trial), copy)
    assert (copy / "checkpoint.safetensors").exists()
    unpack_results(packed(trial), copy)
    assert not (copy / "checkpoint.safetensors").exists()
    assert (copy / "episodes.csv").exists()


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside"])
def test_nothing_is_written_outside(name: str, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo(name))
    with pytest.raises(ValueError, match="outside"):
        unpack(buffer.getvalue(), tmp_path / "copy")


def test_modules_travel_with_their_packages_where_they_are_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_package").mkdir()
    for name in ("own_module.py", "own_package/__init__.py", "own_package/part.py", "unasked.py"):
        (tmp_path / name).touch()
    monkeypatch.syspath_prepend(tmp_path)
    archive = packed_modules(["own_module", "own_package.part", "numpy"], tmp_path)
    assert sorted(names(archive)) == ["own_module.py", "own_package/__init__.py", "own_package/part.py"]


def test_a_machine_gets_what_the_driver_has_and_keeps_nothing(trial: Path) -> None:
    sent = sent_files(Trial(trial), every=5)
    with sent.opened() as place:
        assert place.root is not None
        assert place.directories == (place.root / "trial" / "seed=1",)
        assert (place.root / "trial" / "episodes.csv").read_text() == "episodes.csv"
        (place.root / "trial" / "new").touch()
        assert "new" in names(place.archive() or b"")
    assert not place.root.exists()


def test_a_folder_that_is_not_seen_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"^hydra\.launcher\.shared=true: a worker cannot read "):
        SharedFiles(marker=tmp_path / "marker").opened().__enter__()
    (tmp_path / "marker").touch()
    with SharedFiles(marker=tmp_path / "marker").opened() as place:
        assert place.archive() is None


def test_what_dead_workers_have_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what a living one holds, nor what is not ours: a user's clone or results, say."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    names = ("dqn_exp-task-left", "dqn_exp-task-held", "dqn_exp-task-theirs", "dqn_exp-results", "foreign")
    left, held, *theirs = (tmp_path / name for name in names)
    for folder in (left, held, *theirs):
        folder.mkdir()
    for folder in (left, *theirs[1:]):
        (folder / "lock").touch()
    with directory_lock(held):
        for folder in (left, held, *theirs):
            os.utime(folder, (0, 0))
        with scratch() as new:
            there = set(tmp_path.iterdir())
    assert there == {held, *theirs, new}
