"""Feed trackers with a trial: a separate thread for each tracker reads the trial's metric files.

A tracker receives only what has been written to the metric files. Therefore continued trials, trials that
finished before the tracker was configured, and trials copied from elsewhere are all reported in the same
way. A tracker that raises or hangs does not stop the trial.
"""

from __future__ import annotations

import hashlib
import logging
import math
import re
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dqn_exp.config import Config, flat
from dqn_exp.runs.files import TRACKED, DamagedRecord, read_json, write_json
from dqn_exp.runs.manifest import MANIFEST
from dqn_exp.runs.points import Points
from dqn_exp.runs.result import Result, read_description, read_result
from dqn_exp.statuses import FINISHED
from dqn_exp.trackers import TrackedTrial, build_tracker

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Seconds between two looks at the metric files."""
PATIENCE = {True: 60.0, False: 2.0}
"""Seconds that a tracker has for the rest of a trial that has finished (True) or was cut short (False)."""
SWEEP_FILES = (MANIFEST, "multirun.yaml")


class Follower(threading.Thread):
    """The thread of one tracker, for the trial in `directory`, whose trial.json already exists."""

    def __init__(self, name: str, options: Mapping[str, Any], directory: Path) -> None:
        super().__init__(name=f"tracker {name}", daemon=True)
        self._kind, self._options, self._directory = name, options, directory
        self._over = threading.Event()
        self.complete_until: float = 0
        """The environment step up to which the metric files are complete."""
        self.failure: str | None = None

    def run(self) -> None:
        try:
            self._follow()
        except BaseException as error:  # SystemExit too
            self.failure = f"{type(error).__name__}: {error}"
            log.warning("%s failed and gets no more data: %s", self.name, self.failure)

    def _follow(self) -> None:
        tracker = build_tracker(self._kind, self._options)
        known = tracker.start(identify(self._directory))
        points, is_over = Points(self._directory), False
        while not is_over:
            is_over = self._over.wait(LOOK_SECONDS)
            for step, scalars in points.up_to(self.complete_until):
                if known is None or step > known:
                    tracker.log(step, scalars)
        result = read_result(self._directory) or Result()
        tracker.finish(result.status, at_the_end(result))

    def stop(self) -> None:
        """Signal that the trial has ended or was cut short, so the metric files are complete."""
        self.complete_until = math.inf
        self._over.set()

    def end(self, patience: float) -> None:
        """Wait at most `patience` seconds for the thread to end."""
        self.join(patience)
        if self.is_alive():
            self.failure = "it had not received all data when the trial stopped waiting for it"
            log.warning("%s: %s", self.name, self.failure)


def follow(names: Iterable[str], config: Config, directory: Path) -> dict[str, Follower]:
    """Start a follower for each tracker in `names`, with its options in `config`."""
    followers = {name: Follower(name, config.tracking.get(name, {}), directory) for name in names}
    for follower in followers.values():
        follower.start()
    return followers


def catch_up(config: Config, directory: Path) -> dict[str, str]:
    """Report a finished trial to those trackers of `config` that lack it.

    Returns the trackers that failed, with their failures.
    """
    wanted = [name for name in config.track if not _has_received_all(name, config, directory)]
    followers = follow(wanted, config, directory)
    end(followers, config, directory)
    return {name: follower.failure for name, follower in followers.items() if follower.failure}


def end(followers: Mapping[str, Follower], config: Config, directory: Path) -> None:
    """Wait for the followers; if the trial has finished, record what each tracker has received."""
    result = read_result(directory) or Result()
    is_finished = result.status in FINISHED
    deadline = time.monotonic() + PATIENCE[is_finished]
    for follower in followers.values():
        follower.stop()
    for follower in followers.values():
        follower.end(max(0.0, deadline - time.monotonic()))
    if followers and is_finished:
        received = {
            name: {"options": config.tracking.get(name, {}), "failure": follower.failure}
            for name, follower in followers.items()
        }
        try:
            write_json(directory / TRACKED, {**read_tracked(directory), **received})
        except OSError as error:
            log.warning("%s: %s", directory / TRACKED, error)


def read_tracked(directory: Path) -> dict[str, Any]:
    """The recorded state of the trackers of the trial in `directory`; empty if there is none."""
    try:
        return dict(read_json(directory / TRACKED))
    except (OSError, DamagedRecord, TypeError, ValueError):
        return {}


def tracker_failures(directory: Path) -> dict[str, str]:
    """The failures of trackers that lack part of the trial in `directory`, by tracker name."""
    return {
        name: str(state["failure"]) for name, state in read_tracked(directory).items() if state.get("failure")
    }


def _has_received_all(name: str, config: Config, directory: Path) -> bool:
    everything = {"options": config.tracking.get(name, {}), "failure": None}
    return bool(read_tracked(directory).get(name) == everything)


def identify(directory: Path) -> TrackedTrial:
    """The trial in `directory` as trackers identify it, from its description and its path."""
    place, record = directory.absolute(), read_description(directory)
    sweep = next((f for f in place.parents if any((f / name).exists() for name in SWEEP_FILES)), place.parent)
    began = record["attempts"][0]["started"]
    name = ",".join(place.relative_to(sweep).parts)
    return TrackedTrial(
        hashlib.sha256(f"{place} {began}".encode()).hexdigest()[:16],
        sweep.name,
        _without_seed(name, record),
        record["seed"],
        place,
        {name: _accepted(value) for name, value in flat(record["config"])},
    )


def _without_seed(name: str, record: Mapping[str, Any]) -> str:
    """The name of the trial's configuration. In a shortened name, a digest identifies the configuration."""
    if "~" not in name:
        return re.sub(r"(^|,)seed=\d+$", "", name) or "default"
    config = {key: value for key, value in record["config"].items() if key != "seed"}
    return f"{name.rpartition('~')[0]}~{hashlib.sha256(repr(config).encode()).hexdigest()[:8]}"


def _accepted(value: Any) -> bool | int | float | str:
    """A value in a form that trackers accept; lists and null become text."""
    return value if isinstance(value, bool | int | float | str) else str(value)


def at_the_end(result: Result) -> dict[str, float]:
    """The final numbers of an ended trial, by name."""
    final = {"final/mean_reward": result.final_return, "final/std_reward": result.final_std}
    measures = {f"final/{name}": value for name, value in result.measures.items()}
    known = {name: value for name, value in final.items() if value is not None}
    return {**known, **measures} if known else {}
