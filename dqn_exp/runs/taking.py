"""Copy a finished trial from elsewhere instead of training an equal trial.

Files that are only replaced as a whole are hard links to the files of the origin, if the file system allows
it; replacing one does not change the other. Files that are written in place are copied.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from dqn_exp.config import Config, ConfigError
from dqn_exp.runs.files import (
    BEST,
    CHECKPOINT,
    FINAL,
    NETWORK,
    TRACKED,
    VIDEOS,
    copy_file,
    sync_directory,
    write_json,
)
from dqn_exp.runs.lock import LOCK, unchanged
from dqn_exp.runs.metrics import KINDS, metrics_path, read_metrics, valid_size
from dqn_exp.runs.program import differences
from dqn_exp.runs.provenance import now
from dqn_exp.runs.result import DESCRIPTION, RESULT, Result, read_description, read_result

ORIGIN = "origin"
"""The key in a description for the place and time of the copy; absent if the trial was trained here."""
LOG = "trial.log"
NOT_OF_OBSERVERS = frozenset((DESCRIPTION, LOCK, CHECKPOINT, FINAL, BEST, VIDEOS, TRACKED))


class Unfit(Exception):
    """A finished trial cannot replace another; the message says why."""


def check_fit(origin: Path, config: Config) -> Mapping[str, Any]:
    """The description of the finished trial in `origin`, whose configuration hash is that of `config`.

    Raises Unfit if another program trained it, if files that `config` asks for are missing, or if files are
    damaged.
    """
    try:
        record, result = read_description(origin), read_result(origin) or Result()
        if different := differences(record, config):
            raise Unfit(", ".join(different))
        if lacking := list(_missing_records(origin, record["config"], result, config)):
            raise Unfit(f"without {', '.join(lacking)}")
        _check_whole(origin, result)
    except ConfigError as error:
        raise Unfit(str(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise Unfit(f"{type(error).__name__}: {error}") from error
    return record


def take(origin: Path, directory: Path, config: Config) -> None:
    """Copy the finished trial in `origin` to `directory`, which must be empty or missing, in one atomic step.

    Raises Unfit if the trial cannot replace one of `config`, Locked if a process works in `origin`, and
    OSError.
    """
    temporary = directory.with_name(f".{directory.name}.tmp")
    with unchanged(origin):
        record = check_fit(origin, config)
        shutil.rmtree(temporary, ignore_errors=True)  # left by a killed process
        try:
            for path in _files(origin, config):
                _copy(path, temporary / path.relative_to(origin))
            origin_entry = {ORIGIN: {"directory": str(origin), "taken": now()}}
            write_json(temporary / DESCRIPTION, {**record, "config": config.record(), **origin_entry})
            os.rename(temporary, directory)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    sync_directory(directory.parent)


def _missing_records(
    origin: Path, before: Mapping[str, Any], result: Result, config: Config
) -> Iterator[str]:
    """The records that `config` asks for and `origin` lacks, of those that do not change a trial's hash.

    before: the configuration that the trial was trained with.
    """
    best, every = config.checkpoint.keep_best, config.video.every_episodes
    if before["metrics"] != config.metrics.model_dump():
        yield f"metrics.loss_every={config.metrics.loss_every}"
    if before["observers"] != config.observers:
        yield f"observers={', '.join(config.observers) or 'none'}"  # an observer may have ended the trial
    if config.checkpoint.keep_final and not (origin / FINAL).exists():
        yield "checkpoint.keep_final=true"
    if best != "none" and not (before["checkpoint"]["keep_best"] == best and (origin / BEST).exists()):
        yield f"checkpoint.keep_best={best}"
    films = len(list((origin / VIDEOS).glob("*.mp4")))
    if every and not (before["video"]["every_episodes"] == every and films >= result.episodes // every):
        yield f"video.every_episodes={every}"


def _check_whole(origin: Path, result: Result) -> None:
    """Raise Unfit or OSError if a file of a finished trial is damaged, incomplete or missing."""
    from safetensors import SafetensorError, safe_open

    lines = {}
    for kind in KINDS:
        path = metrics_path(origin, kind)
        if valid_size(path) < path.stat().st_size:
            raise Unfit(f"{path}: the last line was cut off")
        lines[kind] = len(read_metrics(path)[1])
    if lines["episodes"] != result.episodes:
        path = metrics_path(origin, "episodes")
        raise Unfit(f"{path} has {lines['episodes']} episodes instead of {result.episodes}")
    try:
        with safe_open(origin / NETWORK, framework="numpy"):
            pass
    except SafetensorError as error:
        raise Unfit(f"{origin / NETWORK} is damaged: {error}") from None


def _files(origin: Path, config: Config) -> Iterator[Path]:
    """The files that a trial of `config` leaves, except its description."""
    optional = {
        FINAL: config.checkpoint.keep_final,
        BEST: config.checkpoint.keep_best != "none",
        VIDEOS: config.video.every_episodes is not None,
    }
    always = {RESULT, NETWORK, LOG, *(metrics_path(origin, kind).name for kind in KINDS)}
    for path in origin.rglob("*"):
        name = path.relative_to(origin).parts[0]
        of_an_observer = config.observers and name not in NOT_OF_OBSERVERS and not name.startswith(".")
        if path.is_file() and (name in always or optional.get(name) or of_an_observer):
            yield path


def _copy(path: Path, copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    is_replaced_whole = path.name in (NETWORK, BEST, FINAL) or path.parent.name == VIDEOS
    if is_replaced_whole and not path.is_symlink():
        with suppress(OSError):  # another file system, or one without hard links
            os.link(path, copy)
            return
    copy_file(path, copy)
