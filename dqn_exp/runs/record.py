"""Running one trial and leaving a record of it: the consumer of the training loop's events."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dqn_exp.agent import resolve_device
from dqn_exp.config import Config
from dqn_exp.convergence import convergence_index
from dqn_exp.runs import checkpoint
from dqn_exp.runs.files import NETWORK, overwrite_json, remove_leftovers, write_json
from dqn_exp.runs.films import Films
from dqn_exp.runs.lock import directory_lock
from dqn_exp.runs.metrics import COLUMNS, MetricsWriter, metrics_path
from dqn_exp.runs.provenance import now
from dqn_exp.runs.result import FINISHED, Result, check_owner, read_result
from dqn_exp.training import Diverged, EpisodeEnded, Evaluated, Event, LossSampled, Score, Trial, train

log = logging.getLogger(__name__)

ORPHAN_SECONDS = 5.0  # patience with the worker of a killed driver, which ends within a fraction of it


def run_trial(config: Config, directory: Path, provenance: dict[str, Any]) -> Result:
    """Train the trial in `directory` to its end, from its checkpoint if there is one."""
    deque(record_trial(config, directory, provenance), maxlen=0)
    result = read_result(directory)
    assert result is not None
    return result


def record_trial(config: Config, directory: Path, provenance: dict[str, Any]) -> Iterator[Event]:
    """Train the trial in `directory`, writing its record; passes on the events.

    A finished trial yields nothing; an interrupted one goes on from its checkpoint, bit for bit.
    Closing the iterator early leaves the trial `interrupted`, and `throw(Pruned)` leaves it
    `pruned`. Raises ConfigError where the directory holds another configuration, Locked where
    another process runs it, and whatever the training raised, recorded as `failed`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with directory_lock(directory, patience=ORPHAN_SECONDS):
        check_owner(config, directory)
        remove_leftovers(directory)
        result = read_result(directory)
        if result is not None and result.status in FINISHED:
            (directory / checkpoint.CHECKPOINT).unlink(missing_ok=True)
            return
        recorder = None
        try:
            trial = Trial(config)
            recorder = Recorder(trial, directory, provenance)
            yield from recorder.run()
        except (GeneratorExit, KeyboardInterrupt):
            _write_end(recorder, directory, "interrupted", None)
            raise
        except Pruned as pruned:
            _write_end(recorder, directory, "pruned", str(pruned))
        except BaseException as error:  # SystemExit too, which a trial's own code may raise
            log.exception("the trial failed")
            _write_end(recorder, directory, "failed", f"{type(error).__name__}: {error}")
            raise
        finally:
            if recorder is not None:
                recorder.close()


class Pruned(Exception):
    """Thrown into a trial that a study gives up; the message says where and why."""


class Recorder:
    """Writes down what happens in one trial."""

    def __init__(self, trial: Trial, directory: Path, provenance: dict[str, Any]) -> None:
        self.trial, self.directory = trial, directory
        self._films = Films(trial, directory)
        self._mean_returns: list[float] = []
        self._best = -math.inf
        self._wall_before = 0.0
        sizes: dict[str, int] = dict.fromkeys(COLUMNS, 0)
        if (directory / checkpoint.CHECKPOINT).exists():
            sizes = self._continue()
        else:
            load_initial_network(trial)
        self._started = self._checkpointed = time.perf_counter()
        self._files = ExitStack()
        measures: dict[str, list[str]] = {"losses": []}
        self._writers = {
            kind: MetricsWriter(
                metrics_path(directory, kind),
                [*columns, *measures.get(kind, trial.env.measure_names)],
                sizes[kind],
            )
            for kind, columns in COLUMNS.items()
        }
        for writer in self._writers.values():
            self._files.callback(writer.close)
        self._files.callback(trial.close)
        write_json(directory / "trial.json", self._description(provenance))
        self._write_result(self.result("running"))

    def run(self) -> Iterator[Event]:
        """The events of the trial, written down, and the result at the end."""
        status, cause = "exhausted", None
        log.info("training from environment step %d", self.trial.clock.env_steps)
        try:
            for event in train(self.trial):
                self._record(event)
                paused = time.perf_counter()
                yield event
                self._started += time.perf_counter() - paused  # other trials may train meanwhile
                if self.trial.config.convergence.stop and self._has_converged():
                    break
        except Diverged as divergence:
            status, cause = "diverged", str(divergence)
        if status != "diverged" and self._has_converged():
            status = "converged"
        wall = self._wall_seconds()
        final = self.trial.evaluate(self.trial.config.evaluation.final_episodes)
        checkpoint.save_network(self.directory / NETWORK, self.trial.learner.network)
        self._sync()
        self._write_result(self.result(status, cause, final, wall))
        (self.directory / checkpoint.CHECKPOINT).unlink(missing_ok=True)
        log.info("%s%s; final return %.6g", status, f": {cause}" if cause else "", final.mean)

    def result(
        self,
        status: str,
        cause: str | None = None,
        final: Score | None = None,
        wall: float | None = None,
    ) -> Result:
        """How the trial stands now."""
        clock, wall = self.trial.clock, self._wall_seconds() if wall is None else wall
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

    def close(self) -> None:
        self._files.close()

    def _write_result(self, result: Result) -> None:
        write_json(self.directory / "result.json", asdict(result))

    def _record(self, event: Event) -> None:
        clock = self.trial.clock
        now_at = (clock.episodes, clock.env_steps, clock.updates)
        match event:
            case LossSampled(loss, grad_norm, q_mean, q_max):
                self._writers["losses"].append((*now_at, loss, grad_norm, q_mean, q_max))
            case Evaluated(score):
                row = (score.mean, score.std, len(score.returns), *score.measures.values())
                self._writers["evaluations"].append((*now_at, *row))
                self._mean_returns.append(score.mean)
                self._keep_best("evaluation", score.mean)
            case EpisodeEnded(total_return, length, epsilon, measures):
                row = (total_return, length, epsilon, *measures.values())
                self._writers["episodes"].append((*now_at, *row))
                self._keep_best("episode", length)
                self._films.episode_ended()
                self._checkpoint_if_due()

    def _keep_best(self, kind: str, value: float) -> None:
        if self.trial.config.checkpoint.keep_best == kind and value > self._best:
            self._best = value
            path = self.directory / checkpoint.BEST
            checkpoint.save_network(path, self.trial.learner.network)

    def _checkpoint_if_due(self) -> None:
        interval = self.trial.config.checkpoint.every_seconds
        if time.perf_counter() - self._checkpointed >= interval:
            extra = {
                "sizes": self._sync(),
                "mean_returns": self._mean_returns,
                "best": self._best,
                "wall_seconds": self._wall_seconds(),
            }
            checkpoint.save_checkpoint(self.directory, self.trial, extra)
            self._checkpointed = time.perf_counter()

    def _continue(self) -> dict[str, int]:
        extra = checkpoint.load_checkpoint(self.directory, self.trial)
        self._mean_returns = extra["mean_returns"]
        self._best = extra["best"]
        self._wall_before = extra["wall_seconds"]
        sizes: dict[str, int] = extra["sizes"]
        return sizes

    def _sync(self) -> dict[str, int]:
        return {kind: writer.sync() for kind, writer in self._writers.items()}

    def _wall_seconds(self) -> float:
        return self._wall_before + time.perf_counter() - self._started

    def _has_converged(self) -> bool:
        rule = self.trial.config.convergence
        assert rule.threshold is not None
        index = convergence_index(self._mean_returns, rule.threshold, rule.consecutive)
        return index is not None

    def _description(self, provenance: dict[str, Any]) -> dict[str, Any]:
        config = self.trial.config
        return {
            "format": 1,
            "config": config.model_dump(),
            "config_hash": config.hash(),
            "seed": config.seed,
            "learner": self.trial.learner.name,
            "device": resolve_device(config.device),
            "started": now(),
            **provenance,
        }


def load_initial_network(trial: Trial) -> None:
    """Start from the trained network of another trial, where the configuration asks for it."""
    if trial.config.init_from is not None:
        source = Path(trial.config.init_from) / NETWORK
        checkpoint.load_network(source, trial.learner.network)
        trial.learner.sync_target(1.0)


def _write_end(recorder: Recorder | None, directory: Path, status: str, cause: str | None) -> None:
    """Record how the trial was cut short, as well as a full disk lets us."""
    path = directory / "result.json"
    result = asdict(recorder.result(status, cause) if recorder else Result(status, cause, ended=now()))
    try:
        write_json(path, result)
    except OSError:
        with suppress(OSError):
            overwrite_json(path, result)
