"""Pass the events of a trial to its observers, and determine its status at the end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator, Sequence

from dqn_exp.agent import Diverged
from dqn_exp.runs.observers import Convergence, Observer, TimeLimit
from dqn_exp.training import Event, Run, train

End = tuple[str, str | None]
"""Status and cause."""


class Stopwatch:
    """Measures the seconds that a trial has trained, over all of its attempts."""

    def __init__(self) -> None:
        self._before, self._started = 0.0, time.perf_counter()

    @property
    def seconds(self) -> float:
        return self._before + time.perf_counter() - self._started

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Do not count the time inside this context."""
        paused = time.perf_counter()
        yield
        self._started += time.perf_counter() - paused

    def state(self) -> float:
        return self.seconds

    def load_state(self, state: float) -> None:
        self._before, self._started = state, time.perf_counter()


def watched(run: Run, observers: Sequence[Observer], watch: Stopwatch) -> Generator[Event, None, End]:
    """Yield the events of `run` after passing each to the `observers`; return status and cause."""
    try:
        for event in train(run):
            for observer in observers:
                observer.on(event, run)
            with watch.paused():  # other trials may train meanwhile
                yield event
    except Diverged as divergence:
        return "diverged", str(divergence)
    return run.status, run.cause


def unrecorded(run: Run) -> Generator[Event, None, End]:
    """Yield the events of a trial that leaves no record; it ends exactly where a recorded one would."""
    watch = Stopwatch()
    observers = (Convergence(), TimeLimit(lambda: watch.seconds))
    for observer in observers:
        observer.begin(run)
    return (yield from watched(run, observers, watch))
