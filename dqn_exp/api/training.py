"""A trial without a record, which trains while its events are iterated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from dqn_exp.api.threads import one_thread
from dqn_exp.config import Config, ConfigError
from dqn_exp.runs import unrecorded
from dqn_exp.training import Event, Score, build_run


class Training(Iterator[Event]):
    """Iterates over the events of a trial: `EpisodeEnded`, `Evaluated` and `Learned`.

    Attributes:
        config: the complete, checked configuration.
        run: the agent, its environments and the clock; `run.stop(cause)` ends the training.
        status: "running" until the last event, then "exhausted", "converged" or "diverged".
        cause: a text with the reason of the status, or None.
    """

    def __init__(self, config: Config) -> None:
        """Raises ConfigError if the configuration names observers or trackers, which need a record."""
        for key, named in (("observers", sorted(config.observers)), ("track", list(config.track))):
            if named:
                raise ConfigError(
                    f"{key}={named}: they need a record, and train() writes none; allowed: dqn_exp.run(...), "
                    f"no {key}"
                )
        self.config, self.run = config, build_run(config)
        self.status = "running"
        self.cause: str | None = None
        self._events = self._until_the_end()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        with one_thread():
            return next(self._events)

    def evaluate(self, episodes: int = 20) -> Score:
        """Returns and quality measures of greedy episodes with the current network."""
        return self.run.evaluate(episodes)

    def _until_the_end(self) -> Iterator[Event]:
        self.status, self.cause = yield from unrecorded(self.run)
