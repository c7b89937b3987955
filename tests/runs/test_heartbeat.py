"""The heartbeat in a trial's directory shows whether the trial makes steps."""

from __future__ import annotations

import itertools
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from dqn_exp.runs.heartbeat import SECONDS, Heartbeat, last_heartbeat
from dqn_exp.runs.record import record_trial
from dqn_exp.training.run import build_run, train
from tests.helpers import make_config
from tests.program import wait_until
from tests.runs.test_record import short


def beats(directory: Path, seconds: float) -> set[int | None]:
    """The heartbeats that are seen in so many seconds."""
    seen, end = set(), time.monotonic() + seconds
    while time.monotonic() < end:
        seen.add(last_heartbeat(directory))
        time.sleep(0.05)
    return seen


def test_it_does_not_keep_a_process_that_ends(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    heart = Heartbeat(tmp_path, lambda: 0)
    (thread,) = set(threading.enumerate()) - before
    assert thread.daemon
    heart.close()
    assert not thread.is_alive()


def test_it_beats_while_there_is_progress_and_no_longer(tmp_path: Path) -> None:
    assert last_heartbeat(tmp_path) is None
    (tmp_path / "lock").touch()
    steps: Any = itertools.count()
    heart = Heartbeat(tmp_path, lambda: next(steps))
    assert len(beats(tmp_path, 5 * SECONDS)) >= 3
    steps = itertools.repeat(0)
    beats(tmp_path, 3 * SECONDS)
    assert len(beats(tmp_path, 3 * SECONDS)) == 1
    heart.close()


def test_after_its_end_it_beats_no_more(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    steps = itertools.count()
    Heartbeat(tmp_path, lambda: next(steps)).close()
    assert len(beats(tmp_path, 3 * SECONDS)) == 1


def test_each_step_is_progress_also_a_greedy_one() -> None:
    trial = build_run(make_config(budget__env_steps=60, batch=16))
    seen = []
    act, greedy = trial.agent.act, trial.agent.greedy

    def look_and_act(observations: np.ndarray) -> np.ndarray:
        seen.append(trial.progress())
        return act(observations)

    def look_and_play(observations: np.ndarray) -> np.ndarray:
        seen.append(trial.progress())
        return greedy(observations)

    trial.agent.act, trial.agent.greedy = look_and_act, look_and_play  # type: ignore[method-assign]
    list(train(trial))
    assert len(seen) == 60
    trial.evaluate(episodes=3)
    assert len(seen) > 80
    assert len(set(seen)) == len(seen)


def test_a_trial_has_one_while_it_trains(tmp_path: Path) -> None:
    events = record_trial(short(), tmp_path, {})
    next(events)
    first = last_heartbeat(tmp_path)
    wait_until(lambda: last_heartbeat(tmp_path) != first, 10)
    next(events)
    now = last_heartbeat(tmp_path)
    wait_until(lambda: last_heartbeat(tmp_path) != now, 10)
    events.close()  # type: ignore[attr-defined]
