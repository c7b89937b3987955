"""Run one trial and write its record."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dqn_exp.config import Config
from dqn_exp.networks import build_network
from dqn_exp.runs.checkpoint import Checkpoint, Part, read_state
from dqn_exp.runs.description import describe, rewrite
from dqn_exp.runs.files import CHECKPOINT, FINAL, NETWORK, overwrite_json, remove_leftovers, write_json
from dqn_exp.runs.heartbeat import Heartbeat
from dqn_exp.runs.lock import directory_lock
from dqn_exp.runs.networks import load_network, load_statistics, save_network
from dqn_exp.runs.observers import (
    BestNetwork,
    Convergence,
    Films,
    Metrics,
    Observer,
    TimeLimit,
    Tracking,
    own_observers,
)
from dqn_exp.runs.provenance import now
from dqn_exp.runs.result import DESCRIPTION, RESULT, Result, check_owner, is_of, is_over, read_result
from dqn_exp.runs.sb3 import is_sb3, load_sb3, weights_file
from dqn_exp.runs.tracking import catch_up
from dqn_exp.runs.watched import Stopwatch, watched
from dqn_exp.training import Event, Run, Score, build_run

log = logging.getLogger(__name__)

ORPHAN_SECONDS = 5.0  # the worker of a killed driver ends within a fraction of this time


def run_trial(config: Config, directory: Path, provenance: dict[str, Any]) -> Result:
    """Train the trial in `directory` to its end, from its checkpoint if there is one; returns the result."""
    deque(record_trial(config, directory, provenance), maxlen=0)
    result = read_result(directory)
    assert result is not None
    return result


def record_trial(config: Config, directory: Path, provenance: dict[str, Any]) -> Iterator[Event]:
    """Train the trial in `directory`, write its record and yield its events.

    A finished trial yields nothing. An interrupted trial continues from its checkpoint, bit for bit. Closing
    the iterator early leaves the trial `interrupted`; `throw(Pruned)` leaves it `pruned`.

    Raises ConfigError if the directory holds another configuration, Locked if another process runs the
    trial, and any exception of the training, after recording the trial as `failed`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with directory_lock(directory, patience=ORPHAN_SECONDS):
        check_owner(config, directory)
        remove_leftovers(directory)
        if is_over(config, directory):
            if not is_of(config, directory):
                rewrite(config, directory)
            (directory / CHECKPOINT).unlink(missing_ok=True)
            catch_up(config, directory)
            return
        recorder = None
        try:
            recorder = Recorder(build_run(config), directory, provenance)
            yield from recorder.events()
        except (GeneratorExit, KeyboardInterrupt):
            _write_end(recorder, directory, "interrupted", None)
            raise
        except Pruned as pruned:
            _write_end(recorder, directory, "pruned", str(pruned))
        except BaseException as error:  # also SystemExit, which a user's code may raise
            log.exception("the trial failed")
            _write_end(recorder, directory, "failed", f"{type(error).__name__}: {error}")
            raise
        finally:
            if recorder is not None:
                recorder.close()


class Pruned(Exception):
    """Thrown into a trial that a study prunes; the message says when and why."""


class Recorder:
    """One trial and its observers, from its beginning or checkpoint to its end."""

    def __init__(self, run: Run, directory: Path, provenance: dict[str, Any]) -> None:
        self.run, self.directory = run, directory
        self._watch = Stopwatch()
        self._open = ExitStack()
        self._open.callback(run.close)
        watching: dict[str, Observer] = {
            "metrics": Metrics(run, directory),
            "convergence": Convergence(),
            "time limit": TimeLimit(lambda: self._watch.seconds),
            "best network": BestNetwork(directory),
            "films": Films(directory),
            "tracking": Tracking(run.config, directory),
        }
        own = {f"observers.{name}": o for name, o in own_observers(run, directory).items()}
        self._parts: dict[str, Part] = {"run": run, "stopwatch": self._watch, **watching, **own}
        self._checkpoint = Checkpoint(directory, self._parts)
        self._observers = [*watching.values(), *own.values(), self._checkpoint]
        is_exact = self._load()
        for observer in self._observers:
            self._open.callback(observer.close)
            observer.begin(run)
        self._open.callback(Heartbeat(directory, run.progress).close)
        write_json(directory / DESCRIPTION, describe(run, directory, provenance, is_exact))
        self._write(self.result("running"))

    def _load(self) -> bool:
        """Restore a saved trial or begin a new one; False if an environment could not be restored exactly."""
        path = self.directory / CHECKPOINT
        if not path.exists():
            path = self.directory / FINAL  # the end of a smaller budget
        saved = read_state(path)
        if saved is None:
            if path.exists():
                log.warning("%s was written by another version: the trial starts again", path)
            start_from_another(self.run)
            return True
        is_exact = self.run.load_state(saved.pop("run"))
        for name in saved.keys() & self._parts.keys():  # observers may come and go between attempts
            self._parts[name].load_state(saved[name])
        return is_exact

    def events(self) -> Iterator[Event]:
        """Yield the events of the trial after the observers received them; write the result at the end."""
        log.info("training from environment step %d", self.run.clock.env_steps)
        status, cause = yield from watched(self.run, self._observers, self._watch)
        self._end(status, cause)

    def _end(self, status: str, cause: str | None) -> None:
        wall = self._watch.seconds
        if self.run.config.checkpoint.keep_final and self.run.at_rest:
            self._checkpoint.save(FINAL)
        else:
            (self.directory / FINAL).unlink(missing_ok=True)
        final = self.run.evaluate(self.run.config.evaluation.final_episodes)
        save_network(self.directory / NETWORK, self.run.agent.network, self.run.env.statistics())
        for observer in self._observers:
            observer.state()  # forces what the observers wrote to the disk
        self._write(self.result(status, cause, final, wall))
        (self.directory / CHECKPOINT).unlink(missing_ok=True)
        log.info("%s%s; final return %.6g", status, f": {cause}" if cause else "", final.mean)

    def result(
        self,
        status: str,
        cause: str | None = None,
        final: Score | None = None,
        wall: float | None = None,
    ) -> Result:
        """The current result of the trial."""
        clock, wall = self.run.clock, self._watch.seconds if wall is None else wall
        result = Result(
            status,
            cause,
            clock.episodes,
            clock.env_steps,
            clock.updates,
            wall_seconds=round(wall, 6),
            env_steps_per_second=round(clock.env_steps / wall, 3) if wall > 0 else 0.0,
            ended=None if status == "running" else now(),
        )
        if final is not None:
            result.final_return, result.final_std = final.mean, final.std
            result.final_returns, result.measures = final.returns, final.measures
        return result

    def _write(self, result: Result) -> None:
        write_json(self.directory / RESULT, asdict(result))

    def close(self) -> None:
        self._open.close()


def start_from_another(run: Run) -> None:
    """Start from the trained network that the configuration's `init_from` names, if any."""
    config, env = run.config, run.env
    if config.init_from is not None:
        network = build_network(config.network, env.observation_space, env.action_space, seed=0)
        statistics: Sequence[Any] = []
        path = weights_file(config.init_from)
        if is_sb3(config.init_from):
            load_sb3(path, network, config.network)
        else:
            load_network(path, network)
            statistics = load_statistics(path)
        run.agent.start_from(network)
        start_statistics(run, statistics)


def start_statistics(run: Run, statistics: Sequence[Any]) -> None:
    """Start with the normalising statistics that the network was trained with, if the wrappers match."""
    if len(statistics) == len(run.env.statistics()):
        run.env.use_statistics(statistics, frozen=False)
    else:
        log.warning("init_from=%s: its observations were normalised differently", run.config.init_from)


def _write_end(recorder: Recorder | None, directory: Path, status: str, cause: str | None) -> None:
    """Record how the trial was cut short; on a full disk, overwrite the old result if possible."""
    path = directory / RESULT
    result = asdict(recorder.result(status, cause) if recorder else Result(status, cause, ended=now()))
    try:
        write_json(path, result)
    except OSError:
        with suppress(OSError):
            overwrite_json(path, result)
