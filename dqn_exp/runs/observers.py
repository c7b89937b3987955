"""Observers of a trial: each one receives the events and keeps what it needs.

An observer does not influence training, except that it may end it with `run.stop`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from dqn_exp.agent import Learned
from dqn_exp.clock import Clock
from dqn_exp.config import Config, ConfigError
from dqn_exp.convergence import convergence_index
from dqn_exp.registry import observers
from dqn_exp.runs.files import BEST, VIDEOS
from dqn_exp.runs.metrics import CLOCK, COLUMNS, MetricsWriter, metrics_path
from dqn_exp.runs.networks import save_network
from dqn_exp.runs.tracking import Follower, end, follow
from dqn_exp.seeding import Streams
from dqn_exp.training import EpisodeEnded, Evaluated, Event, Run, film, filmed_environment, write_mp4


class Observer:
    """Watches one trial. Subclasses override the methods that they need; by default each does nothing.

    `run.stop(cause)` ends the trial. No checkpoint contains the stop, so an observer whose reason lasts
    repeats it in `begin`.
    """

    def begin(self, run: Run) -> None:
        """Called once before the first event; in a continued trial, after `load_state`."""

    def on(self, event: Event, run: Run) -> None:
        """Called for each event; `run.clock` tells when it happened."""

    def state(self) -> Any:
        """The state of this observer for a checkpoint: nested plain values and arrays."""
        return None

    def load_state(self, state: Any) -> None:
        """Restore `state`, which was taken at a checkpoint, and forget everything after it."""

    def close(self) -> None:
        """Called once, when the trial has ended or is interrupted."""


class Metrics(Observer):
    """Writes the metric files, one line for each event."""

    def __init__(self, run: Run, directory: Path) -> None:
        self._directory = directory
        measures = run.env.measure_names
        self._columns = {
            "episodes": (*COLUMNS["episodes"], *measures),
            "evaluations": (*COLUMNS["evaluations"], *measures),
            "losses": (*CLOCK, *run.agent.scalars),
        }
        self._sizes = dict.fromkeys(self._columns, 0)
        self._writers: dict[str, MetricsWriter] = {}
        self._files = ExitStack()

    def begin(self, run: Run) -> None:
        for kind, columns in self._columns.items():
            writer = MetricsWriter(metrics_path(self._directory, kind), columns, self._sizes[kind])
            self._files.callback(writer.close)
            self._writers[kind] = writer

    def on(self, event: Event, run: Run) -> None:
        clock = run.clock
        match event:
            case Learned(update, scalars):
                self._writers["losses"].append((clock.episodes, clock.env_steps, update, *scalars))
            case Evaluated(score):
                row = (score.mean, score.std, len(score.returns), *score.measures.values())
                self._append("evaluations", clock.episodes, clock, *row)
            case EpisodeEnded(total_return, length, epsilon, measures, number):
                self._append("episodes", number, clock, total_return, length, epsilon, *measures.values())

    def _append(self, kind: str, episode: int, clock: Clock, *values: float) -> None:
        self._writers[kind].append((episode, clock.env_steps, clock.updates, *values))

    def state(self) -> dict[str, int]:
        """The sizes of the files in bytes, after forcing them to the disk."""
        return {kind: writer.sync() for kind, writer in self._writers.items()}

    def load_state(self, state: dict[str, int]) -> None:
        self._sizes = state

    def close(self) -> None:
        self._files.close()


class Convergence(Observer):
    """Applies the convergence rule to the evaluations; ends a converged trial if `convergence.stop`."""

    def __init__(self) -> None:
        self._mean_returns: list[float] = []
        self.reached = False

    def begin(self, run: Run) -> None:
        self._tell(run)

    def on(self, event: Event, run: Run) -> None:
        if not isinstance(event, Evaluated):
            return
        rule = run.config.convergence
        assert rule.threshold is not None
        self._mean_returns.append(event.score.mean)
        self.reached = convergence_index(self._mean_returns, rule.threshold, rule.consecutive) is not None
        self._tell(run)

    def _tell(self, run: Run) -> None:
        if self.reached:
            run.status = "converged"
            if run.config.convergence.stop:
                run.stop()

    def state(self) -> dict[str, Any]:
        return {"mean_returns": self._mean_returns, "reached": self.reached}

    def load_state(self, state: dict[str, Any]) -> None:
        self._mean_returns, self.reached = state["mean_returns"], state["reached"]


class TimeLimit(Observer):
    """Ends the training at the first event after `budget.seconds` of training."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        """`seconds` returns the seconds that the trial has trained."""
        self._seconds = seconds

    def begin(self, run: Run) -> None:
        self._look(run)

    def on(self, event: Event, run: Run) -> None:
        self._look(run)

    def _look(self, run: Run) -> None:
        limit = run.config.budget.seconds
        if limit is not None and self._seconds() >= limit:
            run.stop(
                f"budget.seconds={limit:g} was spent at environment step {run.clock.env_steps}: how far a "
                f"trial comes in that time depends on the machine and on what else runs there"
            )


class BestNetwork(Observer):
    """Saves the network of the best evaluation or of the longest episode, as `checkpoint.keep_best` says."""

    def __init__(self, directory: Path) -> None:
        self._path, self._best = directory / BEST, -math.inf

    def on(self, event: Event, run: Run) -> None:
        match run.config.checkpoint.keep_best, event:
            case "evaluation", Evaluated(score):
                self._keep_if_best(score.mean, run)
            case "episode", EpisodeEnded(length=length):
                self._keep_if_best(length, run)

    def _keep_if_best(self, value: float, run: Run) -> None:
        if value > self._best:
            self._best = value
            save_network(self._path, run.agent.network, run.env.statistics())

    def state(self) -> float:
        return self._best

    def load_state(self, state: float) -> None:
        self._best = state


class Films(Observer):
    """Records a video of a greedy episode every `video.every_episodes` episodes.

    The environment of each video is made anew and seeded from the trial's seed and the episode's number.
    Recording therefore does not influence training and needs no saved state.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory / VIDEOS

    def on(self, event: Event, run: Run) -> None:
        every = run.config.video.every_episodes
        if every and isinstance(event, EpisodeEnded) and event.number % every == 0:
            self._film(event.number, run)

    def _film(self, episode: int, run: Run) -> None:
        self._directory.mkdir(exist_ok=True)
        seeds = Streams(run.config.seed).episodes(f"film of episode {episode}")
        with closing(filmed_environment(run.config.evaluation_env(), seeds)) as env:
            env.use_statistics(run.env.statistics())
            pictures = film(env, run.agent.greedy, episodes=1, returns=[])
            write_mp4(self._directory / f"episode-{episode:06d}.mp4", pictures, env.frames_per_second)


class Tracking(Observer):
    """Runs the trackers that the configuration names, from the first event of an attempt to its end."""

    def __init__(self, config: Config, directory: Path) -> None:
        self._config, self._directory = config, directory
        self._followers: dict[str, Follower] = {}

    def on(self, event: Event, run: Run) -> None:
        if not self._followers:
            self._followers = follow(self._config.track, self._config, self._directory)
        if run.at_rest:
            for follower in self._followers.values():
                follower.complete_until = run.clock.env_steps

    def close(self) -> None:
        end(self._followers, self._config, self._directory)


def own_observers(run: Run, directory: Path) -> dict[str, Observer]:
    """The user's observers that the configuration names; raises ConfigError if one cannot be built."""
    return {name: _build(name, run, directory, options) for name, options in run.config.observers.items()}


def _build(name: str, run: Run, directory: Path, options: dict[str, Any]) -> Observer:
    observers.check("observers", name)
    try:
        observer: Observer = observers[name](run, directory, **options)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"observers.{name}={options}: {error}") from error
    return observer
