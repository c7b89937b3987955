"""Running one trial and leaving a record of it: the consumer of the training loop's events."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dqn_exp.config import Config
from dqn_exp.convergence import convergence_index
from dqn_exp.errors import ConfigError
from dqn_exp.evaluate import Score
from dqn_exp.runs import checkpoint
from dqn_exp.runs.files import read_json, write_json
from dqn_exp.runs.lock import directory_lock
from dqn_exp.runs.metrics import COLUMNS, MetricsWriter, metrics_path
from dqn_exp.runs.provenance import now
from dqn_exp.trial import Diverged, EpisodeEnded, Evaluated, Event, LossSampled, Trial, train

log = logging.getLogger(__name__)

FINISHED = ("converged", "exhausted", "diverged", "pruned")


@dataclass
class Result:
    """How a trial ended; the content of result.json."""

    status: str = "running"
    cause: str | None = None
    episodes: int = 0
    env_steps: int = 0
    updates: int = 0
    final_return: float | None = None
    final_std: float | None = None
    final_returns: list[float] = field(default_factory=list)
    measures: dict[str, float] = field(default_factory=dict)
    wall_seconds: float = 0.0
    env_steps_per_second: float = 0.0
    ended: str | None = None


def read_result(directory: Path) -> Result | None:
    """The recorded result of the trial in `directory`; None where there is none."""
    path = directory / "result.json"
    return Result(**read_json(path)) if path.exists() else None


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
    with directory_lock(directory):
        _check_owner(config, directory)
        result = read_result(directory)
        if result is not None and result.status in FINISHED:
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
        except Exception as error:
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
        self._mean_returns: list[float] = []
        self._best = -math.inf
        self._wall_before = 0.0
        sizes: dict[str, int] = dict.fromkeys(COLUMNS, 0)
        if (directory / checkpoint.CHECKPOINT).exists():
            sizes = self._continue()
        elif trial.config.init_from is not None:
            source = Path(trial.config.init_from) / checkpoint.NETWORK
            checkpoint.load_network(source, trial.learner.network)
            trial.learner.sync_target(1.0)
        self._started = self._checkpointed = time.perf_counter()
        self._files = ExitStack()
        measures = {"losses": []}
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
        self.write_result("running", None)

    def run(self) -> Iterator[Event]:
        """The events of the trial, written down, and the result at the end."""
        status, cause = "exhausted", None
        log.info("training from environment step %d", self.trial.clock.env_steps)
        try:
            for event in train(self.trial):
                self._record(event)
                yield event
                if self.trial.config.convergence.stop and self._has_converged():
                    break
        except Diverged as divergence:
            status, cause = "diverged", str(divergence)
        if status != "diverged" and self._has_converged():
            status = "converged"
        wall = self._wall_seconds()
        final = self.trial.evaluate(self.trial.config.evaluation.final_episodes)
        checkpoint.save_network(self.directory / checkpoint.NETWORK, self.trial.learner.network)
        self._sync()
        self.write_result(status, cause, final, wall)
        (self.directory / checkpoint.CHECKPOINT).unlink(missing_ok=True)
        log.info("%s%s; final return %.6g", status, f": {cause}" if cause else "", final.mean)

    def write_result(
        self,
        status: str,
        cause: str | None,
        final: Score | None = None,
        wall: float | None = None,
    ) -> None:
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
        write_json(self.directory / "result.json", asdict(result))

    def close(self) -> None:
        self._files.close()

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
            "device": config.device,
            "started": now(),
            **provenance,
        }


def _check_owner(config: Config, directory: Path) -> None:
    path = directory / "trial.json"
    if path.exists() and read_json(path)["config_hash"] != config.hash():
        raise ConfigError(
            f"{directory} already holds a trial of another configuration. Delete it, or choose "
            f"another directory (hydra.sweep.dir=... or hydra.run.dir=...)"
        )


def _write_end(recorder: Recorder | None, directory: Path, status: str, cause: str | None) -> None:
    """Record how the trial was cut short, as well as a full disk lets us."""
    try:
        if recorder is not None:
            recorder.write_result(status, cause)
        else:
            write_json(directory / "result.json", asdict(Result(status, cause, ended=now())))
    except OSError:
        log.exception("the end of the trial could not be recorded")
