"""Writing files so that a crash at any moment leaves either the old content or the new one."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

NETWORK = "network.safetensors"
"""The network that a trial ended with; named here, where no torch is needed to ask for it."""


CHECKPOINT = "checkpoint.safetensors"
"""Where a trial goes on that was cut short."""
FINAL = "final.safetensors"
"""Where a trial goes on whose budget is made larger; kept where that is asked for."""
BEST = "best.safetensors"
VIDEOS = "videos"
TRACKED = "tracked.json"
"""How trackers have fared: {name: {"options", "failure" (null: it was told everything)}}."""


def write_atomic(path: Path, *content: bytes | memoryview) -> None:
    """Replace `path` by the pieces of `content`: temporary file, fsync, rename, fsync of the directory.

    Raises OSError (a full disk, say) with the old file intact and the temporary one removed.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")  # others may write it elsewhere
    try:
        with open(temporary, "wb") as file:
            for piece in content:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def write_json(path: Path, value: Any) -> None:
    """Replace `path` by `value` as indented JSON; NaN and infinities are written as JavaScript does."""
    write_atomic(path, (json.dumps(value, indent=2) + "\n").encode())


def overwrite_json(path: Path, value: Any) -> None:
    """Put `value` into the space that `path` already has: the last resort where a full disk has no other.

    One write, padded to the old length, so that a killed process leaves one content or the other.
    """
    content = (json.dumps(value, indent=2) + "\n").encode()
    with open(path, "r+b", buffering=0) as file:
        file.write(content.ljust(os.fstat(file.fileno()).st_size))
        os.fsync(file.fileno())


class DamagedRecord(ValueError):
    """A record that is no JSON: not written by us, or damaged since."""


def read_json(path: Path) -> Any:
    """The content of `path`; raises DamagedRecord, which names it, where that is not JSON."""
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise DamagedRecord(f"{path} is damaged: {error}") from None


def claim(directory: Path) -> Path:
    """`directory`, or where it is taken `directory`_2 and so on; made here, and by no other process too."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        free = directory if number == 1 else directory.with_name(f"{directory.name}_{number}")
        with suppress(FileExistsError):
            free.mkdir()
            break
    return free


def remove_leftovers(directory: Path) -> None:
    """Delete the temporary files of a process that was killed while it wrote into `directory`."""
    for leftover in directory.glob(".*.tmp"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink(missing_ok=True)


def copy_file(source: Path, copy: Path) -> None:
    """A copy that has reached the disk."""
    shutil.copyfile(source, copy)
    with open(copy, "rb") as file:
        os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """Make renames and new names in `directory` survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
