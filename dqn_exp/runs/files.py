"""Write files so that a crash at any moment leaves either the old content or the new content."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

NETWORK = "network.safetensors"
"""The network at the end of a trial. The name is defined here because this module does not import torch."""


CHECKPOINT = "checkpoint.safetensors"
"""The state from which an unfinished trial continues."""
FINAL = "final.safetensors"
"""The state from which a trial continues if its budget is enlarged; kept if checkpoint.keep_final is true."""
BEST = "best.safetensors"
VIDEOS = "videos"
TRACKED = "tracked.json"
"""What trackers have received: {name: {"options", "failure" (null: it received everything)}}."""


def write_atomic(path: Path, *content: bytes | memoryview) -> None:
    """Replace the file `path` by the pieces of `content`.

    The steps are: temporary file, fsync, rename, fsync of the directory. Raises OSError, for example if the
    disk is full; the old file is then intact and the temporary one removed.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")  # others may write `path`, too
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
    """Replace the content of `path` by `value` as indented JSON; NaN and infinities as in JavaScript."""
    write_atomic(path, (json.dumps(value, indent=2) + "\n").encode())


def overwrite_json(path: Path, value: Any) -> None:
    """Write `value` into the space that `path` already has, for when the disk is full.

    It is a single write, padded to the old length, so a killed process leaves the old or the new content.
    """
    content = (json.dumps(value, indent=2) + "\n").encode()
    with open(path, "r+b", buffering=0) as file:
        file.write(content.ljust(os.fstat(file.fileno()).st_size))
        os.fsync(file.fileno())


class DamagedRecord(ValueError):
    """A record is not JSON: it was not written by this program, or it was damaged later."""


ReadJson = Callable[[Path], Any]
"""`read_json`, or a function with the same results, errors and warnings."""


def read_json(path: Path) -> Any:
    """The content of `path`; raises DamagedRecord, which names `path`, if it is not JSON."""
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise DamagedRecord(f"{path} is damaged: {error}") from None


def read_object(path: Path, read: ReadJson = read_json) -> dict[str, Any]:
    """The JSON object in `path`; raises DamagedRecord if it holds something else."""
    content = read(path)
    if not isinstance(content, dict):
        raise DamagedRecord(f"{path} is damaged: it does not hold a JSON object")
    return content


def claim(directory: Path) -> Path:
    """Create `directory`, or `directory`_2 and so on if it exists; no other process gets the same one."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        free = directory if number == 1 else directory.with_name(f"{directory.name}_{number}")
        with suppress(FileExistsError):
            free.mkdir()
            break
    return free


def remove_leftovers(directory: Path) -> None:
    """Delete the temporary files of a process that was killed while it wrote to `directory`."""
    for leftover in directory.glob(".*.tmp"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink(missing_ok=True)


def copy_file(source: Path, copy: Path) -> None:
    """Copy a file and force the copy to the disk."""
    shutil.copyfile(source, copy)
    with open(copy, "rb") as file:
        os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """Force renames and new names in `directory` to the disk, so that they survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
