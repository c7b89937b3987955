"""After a crash or with a full disk, a file has either its old or its new content."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from dqn_exp.runs.files import (
    DamagedRecord,
    claim,
    overwrite_json,
    read_json,
    remove_leftovers,
    write_atomic,
    write_json,
)
from tests.program import ROOT


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)], check=False)
    if mount.returncode != 0:
        pytest.skip("mounting a small file system is not permitted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_keeps_the_old_content(small_disk: Path) -> None:
    path = small_disk / "result.json"
    write_json(path, {"status": "running"})
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, bytes(100_000))
    assert read_json(path) == {"status": "running"}
    assert [p.name for p in small_disk.iterdir()] == ["result.json"]


def test_on_a_disk_without_a_free_byte_a_file_can_be_overwritten(small_disk: Path) -> None:
    path = small_disk / "result.json"
    write_json(path, {"status": "running", "final_returns": [1] * 10})
    with open(small_disk / "ballast", "wb", buffering=0) as ballast, suppress(OSError):
        while ballast.write(bytes(512)):
            pass
    with pytest.raises(OSError, match="No space left"):
        write_json(path, {"status": "failed"})
    overwrite_json(path, {"status": "failed"})
    assert read_json(path) == {"status": "failed"}


def test_a_process_killed_at_any_moment_leaves_old_or_new(tmp_path: Path) -> None:
    """A process writes 0, 1, 2, ... as fast as it can until it is killed."""
    path = tmp_path / "value.json"
    program = (
        "import itertools, pathlib, sys; from dqn_exp.runs.files import write_json\n"
        "for i in itertools.count(): write_json(pathlib.Path(sys.argv[1]), [i] * 10_000)"
    )
    writer = subprocess.Popen([sys.executable, "-c", program, str(path)], cwd=ROOT)
    while not path.exists():
        os.sched_yield()
    for _ in range(200):
        assert len(set(read_json(path))) == 1
    writer.kill()
    writer.wait()
    content = read_json(path)
    assert content == [content[0]] * 10_000
    remove_leftovers(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["value.json"]


def test_content_reaches_the_disk_before_its_name_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut could leave an empty file under the name."""
    path = tmp_path / "value.json"
    told: list[tuple[str, str, int]] = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor: int) -> None:
        name = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        told.append(("fsync", name.suffix, os.fstat(descriptor).st_size))
        fsync(descriptor)

    def watched_replace(old: Path, new: Path) -> None:
        told.append(("replace", old.suffix, old.stat().st_size))
        replace(old, new)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    write_atomic(path, b"content")
    assert told[:2] == [("fsync", ".tmp", 7), ("replace", ".tmp", 7)]
    assert [what for what, *_ in told[2:]] == ["fsync"]
    overwrite_json(path, 1)
    assert told[3:] == [("fsync", ".json", 7)]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    for name in (".value.json.123.tmp", "value.json", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / ".trial.tmp" / "videos").mkdir(parents=True)
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"value.json", ".hidden"}


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "trial.json").write_text('{"format": 1, "conf')
    with pytest.raises(DamagedRecord, match=r"trial\.json is damaged"):
        read_json(tmp_path / "trial.json")


def test_each_claim_is_a_directory_of_its_own(tmp_path: Path) -> None:
    """Also of many at one time."""
    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(claim, [tmp_path / "x" / "a" / "b"] * 8))
    assert {path.name for path in claimed} == {"b", *(f"b_{n}" for n in range(2, 9))}
    assert all(path.is_dir() for path in claimed)
