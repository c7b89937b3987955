"""The state of a sweep, read cheaply: each ended trial once, of running trials only the ends of files."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from analysis.records import find_trials, manifest_if_whole, status
from dqn_exp.runs import RESULT, last_episode, read_description, read_json
from dqn_exp.statuses import FINISHED
from dqn_exp.text import format_duration, format_number

OVER = (*FINISHED, "failed")
"""Statuses of trials that do not run any more."""
SHOWN = 200
"""The most running trials that are listed."""
FRESH = 1.0
"""Seconds for which a state that was read from disk is used again."""


class Ended(NamedTuple):
    """A trial that is over: its status, when its result was written, and its training time."""

    status: str
    written: int
    seconds: float


class Watched:
    """The state of the sweep in `root`; it can be used from several threads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._ended: dict[Path, Ended] = {}
        self._budgets: dict[Path, float] = {}
        self._state: dict[str, Any] = {}
        self._looked = -FRESH

    def state(self) -> Mapping[str, Any]:
        """The state that the page shows, as plain values for JSON. It is at most a second old.

        Raises AnalysisError if this version does not know the sweep's format.
        """
        with self._lock:
            if time.monotonic() - self._looked >= FRESH:
                self._state, self._looked = self._look(), time.monotonic()
            return self._state

    def signature(self) -> tuple[bool, int, int]:
        """A value that changes if the first trial begins, a trial ends, or an ended one is trained again."""
        begun = bool(self.state()["counts"])
        return begun, len(self._ended), sum(ended.written for ended in self._ended.values())

    def _look(self) -> dict[str, Any]:
        plan = manifest_if_whole(self.root)
        trials = find_trials(self.root)
        counts, running = Counter[str](), list[dict[str, Any]]()
        left = 0.0
        for directory in trials:
            trial_status = self._status(directory)
            counts[trial_status] += 1
            if trial_status == "running":
                shown, share = self._progress(directory)
                running.append(shown)
                left -= share
        known = _total(plan, len(trials))
        total = len(trials) if known is None else known
        over = len(self._ended)
        seconds = [ended.seconds for ended in self._ended.values() if ended.seconds > 0]
        left += total - over
        each = sum(seconds) / len(seconds) if seconds else None
        return {
            "name": self.root.resolve().name,
            "command": str(plan.get("command") or ""),
            "total": known,
            "over": over,
            "counts": dict(counts.most_common()),
            "running": running[:SHOWN],
            "left": _time_left(each, left, len(running), over, total),
        }

    def _status(self, directory: Path) -> str:
        """The status of a trial. A trial that is over is read again only if its result has changed."""
        path = directory / RESULT
        try:
            written = path.stat().st_mtime_ns
            known = self._ended.get(directory)
            if known and known.written == written:
                return known.status
            result = read_json(path)
            current = status(directory, result)
            self._ended.pop(directory, None)
            if current in OVER:
                self._ended[directory] = Ended(current, written, float(result.get("wall_seconds") or 0.0))
            return current
        except (OSError, ValueError, AttributeError, TypeError):
            return "unreadable"

    def _progress(self, directory: Path) -> tuple[dict[str, Any], float]:
        """A row of the table of running trials, and the share of the budget that the trial has spent."""
        episode, budget = last_episode(directory), self._budget(directory)
        steps = episode.env_steps if episode else 0
        share = min(steps / budget, 1.0) if budget else 0.0
        row = {
            "run": str(directory.relative_to(self.root)),
            "episode": format_number(episode.number) if episode else "–",
            "env_steps": format_number(steps) if episode else "–",
            "share": round(share, 3) if budget else None,
            "last_return": format_number(episode.total_return) if episode else "starting",
        }
        return row, share

    def _budget(self, directory: Path) -> float:
        """The budget of environment steps; 0 if there is no limit."""
        if directory not in self._budgets:
            try:
                self._budgets[directory] = float(
                    read_description(directory)["config"]["budget"]["env_steps"] or 0
                )
            except (OSError, ValueError, KeyError, TypeError):
                return 0.0
        return self._budgets[directory]


def _total(plan: Mapping[str, Any], begun: int) -> int | None:
    """The number of trials that are planned, at least those that have `begun`; None if it is unknown.

    Of a study that is not complete it is the most.
    """
    listed, study = len(plan.get("trials") or ()), plan.get("study")
    if isinstance(study, dict) and not plan.get("complete"):
        listed = int(study.get("most_trials") or 0)
    elif isinstance(study, dict):
        listed = begun
    return max(listed, begun) if listed else None


def study_of(root: Path) -> tuple[str, str] | None:
    """Storage and name of the study in `root`; None if there is no study."""
    study = manifest_if_whole(root).get("study")
    return (str(study["storage"]), str(study["name"])) if isinstance(study, dict) else None


def _time_left(each: float | None, trials: float, running: int, over: int, total: int) -> str:
    """The time left in words, from the mean time of a trial and the number of trials that run now.

    Empty if all trials are over.
    """
    if not total:
        return "no trial has begun"
    if over >= total:
        return ""
    if not running:
        return "nothing runs now"
    if each is None:
        return "time left unknown: no trial is over yet"
    return f"about {format_duration(each * max(trials, 0.0) / running)} left"
