"""Estimate how long trials will take, from a second of measured training of each kind."""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

from dqn_exp.config import Config
from dqn_exp.registry import import_modules
from dqn_exp.workers import Pool

if TYPE_CHECKING:
    from dqn_exp.training import Run

SECONDS = 1.0
"""Seconds of training that are measured."""
GREEDY_SECONDS = 0.5
"""Seconds of greedy steps that are measured, as in evaluations."""
PATIENCE = 60.0
"""Seconds to wait for the first update, and for a measurement to end."""
MOST_KINDS = 8
"""The most kinds of configurations that are measured; others are assumed as slow as the slowest of these."""
AROUND_A_TRIAL = 0.1
"""Seconds of one core that a trial takes in addition to its steps."""
NOT_OF_THE_KIND: dict[str, Any] = {
    **dict.fromkeys(("seed", "gamma", "init_from", "report", "budget", "evaluation", "convergence"), True),
    **dict.fromkeys(("divergence", "checkpoint", "metrics", "video", "observers", "exploration"), True),
    "agent": {"learning_starts": True},
    "replay": {"capacity": True},
    "optimizer": {"lr": True},
}
"""Keys that hardly change how long a step takes."""


@dataclass(frozen=True)
class Pace:
    """The measured speed of a configuration."""

    step: float
    """Seconds of an environment step, including its learning."""
    greedy_step: float
    """Seconds of an environment step in an evaluation."""
    episode: float
    """Mean number of steps of an episode."""


class NoPaceError(RuntimeError):
    """The measurement failed; the message says why."""


def measure(config: Config, seconds: float = SECONDS) -> Pace:
    """Train for `seconds` after the first update, when everything is compiled; writes nothing."""
    from dqn_exp.training import build_run

    import_modules(config.imports)
    endless = dict.fromkeys(type(config.budget).model_fields)
    unevaluated = {"every_steps": None, "every_episodes": None}
    run = build_run(
        config.model_copy(
            update={
                "budget": config.budget.model_copy(update=endless),
                "evaluation": config.evaluation.model_copy(update=unevaluated),
                "agent": config.agent.model_copy(update={"learning_starts": 0}),
            }
        )
    )
    with closing(run):
        return _measure(run, seconds)


def _measure(run: Run, seconds: float) -> Pace:
    step = _training_step(run, seconds)
    greedy_step = _greedy_step(run)
    return Pace(step, greedy_step, run.clock.env_steps / max(len(run.env), run.clock.episodes))


def _training_step(run: Run, seconds: float) -> float:
    from dqn_exp.agent import Diverged
    from dqn_exp.training import train

    clock, events = run.clock, train(run)
    began, steps = time.perf_counter(), 0
    with suppress(Diverged):
        for _ in events:
            if clock.updates or time.perf_counter() - began > PATIENCE:
                break
        began, steps = time.perf_counter(), clock.env_steps
        for _ in events:
            if time.perf_counter() - began >= seconds:
                break
    return (time.perf_counter() - began) / max(1, clock.env_steps - steps)


def _greedy_step(run: Run) -> float:
    from dqn_exp.envs import play

    steps = play(run.evaluation_env, run.agent.greedy, lambda: False)
    next(steps)  # compiles
    began, n = time.perf_counter(), 0
    while time.perf_counter() - began < GREEDY_SECONDS:
        n += len(next(steps).action)
    return (time.perf_counter() - began) / n


def kind(config: Config) -> str:
    """A text that is equal for configurations whose steps take about the same time."""
    return json.dumps(config.model_dump(exclude=NOT_OF_THE_KIND), sort_keys=True)


def measure_kinds(configs: Sequence[Config], at_a_time: int) -> dict[str, Pace]:
    """The pace of the first configuration of each kind, for at most `MOST_KINDS` kinds.

    As many are measured at a time as trials will run, because parallel trials slow each other down. Raises
    NoPaceError.
    """
    firsts = list({kind(config): config for config in reversed(configs)}.values())[::-1][:MOST_KINDS]
    waiting = deque(islice(cycle(firsts), max(len(firsts), at_a_time)))
    paces: dict[str, Pace] = {}
    workers, finished = Pool(at_a_time, measure), False
    try:
        while waiting or workers.running:
            while waiting and workers.idle_workers:
                workers.submit(waiting.popleft())
            ended = list(workers.wait(PATIENCE))
            if not ended:
                raise NoPaceError(f"no measurement ended within {PATIENCE:.0f} s")
            for done in ended:
                if done.error is not None:
                    raise NoPaceError(f"{type(done.error).__name__}: {done.error}")
                slower = paces.get(kind(done.task), done.value)
                paces[kind(done.task)] = max(slower, done.value, key=lambda pace: pace.step)
        finished = True
    finally:
        workers.close(kill=not finished)
    return paces


def trial_seconds(config: Config, paces: dict[str, Pace]) -> tuple[float, float]:
    """The least and most seconds of a whole trial.

    One is for episodes as long as in the measured second, the other for episodes as long as the time limit.
    A kind that was not measured is assumed as slow as the slowest.
    """
    pace = paces.get(kind(config)) or max(paces.values(), key=lambda pace: pace.step)
    limit, greedy_limit = (
        float("inf") if env.max_episode_steps == "unlimited" else float(env.max_episode_steps or "inf")
        for env in (config.env, config.evaluation_env())
    )
    least, most = sorted(
        (
            _seconds(config, pace, pace.episode, min(pace.episode, greedy_limit)),
            _seconds(config, pace, limit, greedy_limit),
        )
    )
    return least, most


def _seconds(config: Config, pace: Pace, episode: float, greedy_episode: float) -> float:
    budget, evaluation = config.budget, config.evaluation
    steps = min(
        budget.env_steps or math.inf,
        (budget.episodes or math.inf) * episode,
        config.agent.learning_starts + (budget.learning_episodes or math.inf) * episode,
    )
    longest = AROUND_A_TRIAL + (budget.seconds or math.inf)
    if math.isinf(steps):
        return longest
    evaluations = steps // (evaluation.every_steps or math.inf)
    evaluations += steps / episode // (evaluation.every_episodes or math.inf)
    evaluations = min(evaluations, steps / config.env.parallel)
    greedy = (evaluations * evaluation.episodes + evaluation.final_episodes) * greedy_episode
    return min(longest, AROUND_A_TRIAL + steps * pace.step + greedy * pace.greedy_step)


def together(seconds: Sequence[float], at_a_time: int) -> float:
    """Seconds that pieces of work of `seconds` each take if `at_a_time` of them run at a time."""
    return max(sum(seconds) / at_a_time, max(seconds, default=0.0))
